// How kernels are written: a function of one row becomes a loop over columns.
//
//   map<R, A...>(f)          R f(A...)                       cannot fail; runs on NULL rows as well
//   map_checked<R, A...>(f)  const char* f(A..., Out&)       only on rows without NULL arguments
//
// A is std::uint8_t (BOOLEAN), std::int64_t, double, Decimal, std::int32_t (DATE), Interval or
// std::string_view. R likewise; a text result is written into a Text&. A checked function returns
// null, the reason of a row error, or kNullResult.
#pragma once

#include <cstring>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "stages/expression/node.h"
#include "transport/base/copy_short.h"

namespace stream::expression {

inline constexpr char kNullResult[] = "null";
inline constexpr std::size_t kTextBytesMax = 16u << 20;     // one value
inline constexpr std::size_t kColumnBytesMax = 512u << 20;  // all values of one column

template <class T>
class In {
 public:
  explicit In(const Value& value)
      : data_(value.column.values_buffer().data()), mask_(value.constant ? 0 : ~std::size_t{0}) {}
  T operator[](std::size_t i) const {
    T value;
    std::memcpy(&value, data_ + (i & mask_) * sizeof(T), sizeof(T));
    return value;
  }

 private:
  const std::uint8_t* data_;
  std::size_t mask_;
};

template <>
class In<std::string_view> {
 public:
  explicit In(const Value& value)
      // Never a null view, not even into a column of empty texts: RE2 tells "no group" by null.
      : bytes_(value.column.values_buffer().empty() ? "" : value.column.values_buffer().as<char>()),
        offsets_(value.column.offsets()),
        mask_(value.constant ? 0 : ~std::size_t{0}) {}
  std::string_view operator[](std::size_t i) const {
    const std::int32_t* at = offsets_ + (i & mask_);
    return {bytes_ + at[0], static_cast<std::size_t>(at[1] - at[0])};
  }

 private:
  const char* bytes_;
  const std::int32_t* offsets_;
  std::size_t mask_;
};

// Where a text result goes; what is too long is cut and reported.
class Text {
 public:
  void append(std::string_view text) {
    if (bytes_.size() - begin_ + text.size() > kTextBytesMax || bytes_.size() + text.size() > kColumnBytesMax) {
      too_long_ = true;
      return;
    }
    if (!text.empty()) copy_short(reinterpret_cast<char*>(bytes_.extend(text.size())), text.data(), text.size());
  }
  void append(char c) { append(std::string_view(&c, 1)); }
  std::size_t size() const { return bytes_.size() - begin_; }
  // Bytes written for this row so far; valid until the next append().
  char* data() { return reinterpret_cast<char*>(bytes_.data()) + begin_; }
  bool too_long() const { return too_long_; }

  void begin_row() {
    begin_ = bytes_.size();
    too_long_ = false;
  }
  void undo_row() { bytes_.shrink(begin_); }
  std::size_t total() const { return bytes_.size(); }
  Buffer finish() { return bytes_.finish(); }

 private:
  ByteBuilder bytes_;
  std::size_t begin_ = 0;
  bool too_long_ = false;
};

// A validity bitmap that is shared until it must change.
class Nulls {
 public:
  Nulls(std::span<const Value> arguments, std::size_t rows);
  explicit Nulls(std::size_t rows) : rows_(rows) {}

  bool any() const { return bits_ != nullptr; }
  const std::uint8_t* bits() const { return bits_; }
  bool valid(std::size_t i) const { return bits_ == nullptr || ((bits_[i >> 3] >> (i & 7)) & 1) != 0; }
  void set_null(std::size_t i) {
    if (own_ == nullptr) make_own();
    own_[i >> 3] &= static_cast<std::uint8_t>(~(1U << (i & 7)));
  }
  Buffer finish() { return own_ != nullptr ? builder_.finish() : shared_; }

 private:
  void make_own();

  std::size_t rows_;
  const std::uint8_t* bits_ = nullptr;
  std::uint8_t* own_ = nullptr;
  Buffer shared_;
  ByteBuilder builder_;
};

// Bit k of `eight` becomes byte k, 0 or 1.
constexpr std::uint64_t spread_bits(unsigned eight) {
  const std::uint64_t copies = std::uint64_t{eight} * 0x0101010101010101ULL & 0x8040201008040201ULL;
  return ((copies + 0x7f7f7f7f7f7f7f7fULL) | copies) >> 7 & 0x0101010101010101ULL;
}

template <class R>
class FixedOut {
 public:
  explicit FixedOut(std::size_t rows) { data_ = reinterpret_cast<R*>(builder_.extend(rows * sizeof(R))); }
  R* data() { return data_; }
  Column finish(Type type, std::size_t rows, Nulls& nulls) {
    if (nulls.any()) zero_nulls(nulls.bits(), rows);
    return {type, rows, nulls.finish(), builder_.finish()};
  }

 private:
  void zero_nulls(const std::uint8_t* bits, std::size_t rows) {
    for (std::size_t i = 0; i < rows; i += 8) {
      const unsigned eight = bits[i / 8];
      if (eight == 0xff) continue;
      if constexpr (sizeof(R) == 1) {
        if (i + 8 <= rows) {
          std::uint64_t values;
          std::memcpy(&values, data_ + i, 8);
          values &= spread_bits(eight) * 0xff;
          std::memcpy(data_ + i, &values, 8);
          continue;
        }
      }
      for (std::size_t k = 0; k < 8 && i + k < rows; ++k) {
        if (((eight >> k) & 1) == 0) data_[i + k] = R{};
      }
    }
  }

  ByteBuilder builder_;
  R* data_;
};

template <class R, class... A, class F, std::size_t... I>
Column run_map(const F& f, const Call& call, std::span<const Value> arguments, std::index_sequence<I...>) {
  const std::tuple<In<A>...> in{In<A>{arguments[I]}...};
  Nulls nulls(arguments, call.rows);
  FixedOut<R> out(call.rows);
  R* const to = out.data();
  for (std::size_t i = 0; i < call.rows; ++i) to[i] = static_cast<R>(f(std::get<I>(in)[i]...));
  return out.finish(call.type, call.rows, nulls);
}

template <class R, class... A, class F>
Kernel map(F f) {
  return [f](const Call& call, std::span<const Value> arguments) {
    return run_map<R, A...>(f, call, arguments, std::index_sequence_for<A...>());
  };
}

template <class R, class... A, class F, std::size_t... I>
Column run_checked(const F& f, const Call& call, std::span<const Value> arguments, std::index_sequence<I...>) {
  const std::tuple<In<A>...> in{In<A>{arguments[I]}...};
  Nulls nulls(arguments, call.rows);
  FixedOut<R> out(call.rows);
  R* const to = out.data();
  for (std::size_t i = 0; i < call.rows; ++i) {
    if (!nulls.valid(i)) continue;
    to[i] = R{};
    const char* reason = f(std::get<I>(in)[i]..., to[i]);
    if (reason == nullptr) continue;
    if (reason != kNullResult) call.errors->set(i, reason);
    nulls.set_null(i);
  }
  return out.finish(call.type, call.rows, nulls);
}

template <class... A, class F, std::size_t... I>
Column run_text(const F& f, const Call& call, std::span<const Value> arguments, std::index_sequence<I...>) {
  const std::tuple<In<A>...> in{In<A>{arguments[I]}...};
  Nulls nulls(arguments, call.rows);
  Text text;
  ByteBuilder offsets;
  auto* at = reinterpret_cast<std::int32_t*>(offsets.extend((call.rows + 1) * sizeof(std::int32_t)));
  at[0] = 0;
  for (std::size_t i = 0; i < call.rows; ++i) {
    text.begin_row();
    if (nulls.valid(i)) {
      const char* reason = f(std::get<I>(in)[i]..., text);
      if (reason == nullptr && text.too_long()) reason = "text too long";
      if (reason != nullptr) {
        text.undo_row();
        if (reason != kNullResult) call.errors->set(i, reason);
        nulls.set_null(i);
      }
    }
    at[i + 1] = static_cast<std::int32_t>(text.total());
  }
  return {call.type, call.rows, nulls.finish(), text.finish(), offsets.finish()};
}

template <class R, class... A, class F>
Kernel map_checked(F f) {
  return [f](const Call& call, std::span<const Value> arguments) {
    if constexpr (std::is_same_v<R, Text>) {
      return run_text<A...>(f, call, arguments, std::index_sequence_for<A...>());
    } else {
      return run_checked<R, A...>(f, call, arguments, std::index_sequence_for<A...>());
    }
  };
}

}  // namespace stream::expression
