#include "stages/kit/ordering.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "transport/base/text.h"

namespace stream {
namespace {

struct Word {
  std::string text;
  std::size_t offset = 0;
  bool quoted = false;
};

// Words and commas; a name in double quotes is one word.
std::optional<std::vector<Word>> words_of(std::string_view text, PlanError* error) {
  std::vector<Word> words;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == ' ' || text[at] == '\t' || text[at] == '\n') {
      ++at;
    } else if (text[at] == ',') {
      words.push_back({",", at++, false});
    } else if (text[at] == '"') {
      const std::size_t end = text.find('"', at + 1);
      if (end == std::string_view::npos) {
        error->offset = at;
        error->message = "the double quote is not closed";
        return std::nullopt;
      }
      words.push_back({std::string(text.substr(at + 1, end - at - 1)), at, true});
      at = end + 1;
    } else {
      const std::size_t end = std::min(text.find_first_of(" \t\n,", at), text.size());
      words.push_back({std::string(text.substr(at, end - at)), at, false});
      at = end;
    }
  }
  return words;
}

std::optional<std::size_t> find_column(const Word& word, const Schema& schema) {
  if (const auto exact = schema.find(word.text)) return exact;
  std::optional<std::size_t> found;
  for (std::size_t i = 0; !word.quoted && i < schema.fields.size(); ++i) {
    if (lower(schema.fields[i].name) != lower(word.text)) continue;
    if (found) return std::nullopt;
    found = i;
  }
  return found;
}

class Parser {
 public:
  Parser(std::vector<Word> words, const Schema& schema, PlanError* error)
      : words_(std::move(words)), schema_(schema), error_(error) {}

  bool run(std::vector<OrderColumn>* out) {
    do {
      if (!column(out)) return false;
    } while (accept(","));
    return at_ == words_.size() || fail("'" + words_[at_].text + "' is not expected here", "");
  }

 private:
  bool fail(std::string message, std::string hint) {
    error_->offset = at_ < words_.size() ? words_[at_].offset : 0;
    error_->message = std::move(message);
    error_->hint = std::move(hint);
    return false;
  }
  bool accept(std::string_view word) {
    if (at_ == words_.size() || words_[at_].quoted || lower(words_[at_].text) != word) return false;
    ++at_;
    return true;
  }
  bool column(std::vector<OrderColumn>* out) {
    if (at_ == words_.size() || words_[at_].text == ",") return fail("a column is missing", "as in: price desc, ts");
    const auto found = find_column(words_[at_], schema_);
    if (!found) {
      const std::string near = did_you_mean(words_[at_].text, schema_.names());
      return fail("no column '" + words_[at_].text + "'", near.empty() ? "" : near.substr(2));
    }
    const Type type = schema_.fields[*found].type;
    if (type == kJson || type == kInterval) return fail(to_string(type) + " has no order here", "");
    ++at_;
    OrderColumn order{*found, accept("desc"), false};
    if (!order.descending) accept("asc");
    order.nulls_first = order.descending;
    if (accept("nulls")) {
      order.nulls_first = accept("first");
      if (!order.nulls_first && !accept("last")) return fail("'nulls' needs 'first' or 'last' behind it", "");
    }
    out->push_back(order);
    return true;
  }

  std::vector<Word> words_;
  const Schema& schema_;
  PlanError* error_;
  std::size_t at_ = 0;
};

template <class T>
void append_unsigned(std::string& out, T value) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(static_cast<unsigned char>(value >> shift)));
  }
}

// NaN is larger than all other numbers, as in PostgreSQL.
std::uint64_t sortable(double value) {
  if (value == 0) value = 0;
  if (std::isnan(value)) value = std::numeric_limits<double>::quiet_NaN();
  const auto bits = std::bit_cast<std::uint64_t>(value);
  constexpr std::uint64_t kSign = 1ULL << 63;
  return (bits & kSign) != 0 && !std::isnan(value) ? ~bits : bits | kSign;
}

// Zero bytes are doubled with 0xff, and two others end the text: a beginning comes before what goes on.
void append_text(std::string& out, std::string_view text) {
  for (const char c : text) {
    out.push_back(c);
    if (c == '\0') out.push_back('\xff');
  }
  out.append(2, '\0');
}

void append_value(std::string& out, const Column& column, std::size_t row) {
  switch (column.type().kind) {
    case TypeKind::kBoolean: return append_unsigned(out, column.value<std::uint8_t>(row));
    case TypeKind::kDate:
      return append_unsigned(out, static_cast<std::uint32_t>(column.value<std::int32_t>(row)) ^ (1U << 31));
    case TypeKind::kBigint:
    case TypeKind::kTimestamp:
      return append_unsigned(out, static_cast<std::uint64_t>(column.value<std::int64_t>(row)) ^ (1ULL << 63));
    case TypeKind::kDouble: return append_unsigned(out, sortable(column.value<double>(row)));
    case TypeKind::kDecimal: {
      using Unsigned = unsigned __int128;
      return append_unsigned(out, static_cast<Unsigned>(column.value<Decimal>(row)) ^ (Unsigned{1} << 127));
    }
    case TypeKind::kVarchar:
    case TypeKind::kBlob: return append_text(out, column.bytes(row));
    case TypeKind::kInterval:
    case TypeKind::kJson: break;
  }
}

void append_ordered(std::string& out, const OrderColumn& order, const Column& column, std::size_t row) {
  const bool valid = column.valid(row);
  out.push_back(valid == order.nulls_first ? '\1' : '\0');
  if (!valid) return;
  const std::size_t begin = out.size();
  append_value(out, column, row);
  if (!order.descending) return;
  for (std::size_t i = begin; i < out.size(); ++i) out[i] = static_cast<char>(~static_cast<unsigned char>(out[i]));
}

}  // namespace

std::optional<std::vector<OrderColumn>> parse_ordering(std::string_view text, const Schema& schema, std::string option,
                                                       PlanError* error) {
  error->option = std::move(option);
  auto words = words_of(text, error);
  if (!words) return std::nullopt;
  std::vector<OrderColumn> out;
  if (!Parser(*std::move(words), schema, error).run(&out)) return std::nullopt;
  return out;
}

std::string to_string(std::span<const OrderColumn> ordering, const Schema& schema) {
  std::string out;
  for (const OrderColumn& order : ordering) {
    out += (out.empty() ? "" : ", ") + schema.fields[order.column].name + (order.descending ? " desc" : "");
    if (order.nulls_first != order.descending) out += order.nulls_first ? " nulls first" : " nulls last";
  }
  return out;
}

// A key of fixed length: a byte that says NULL and the value, or zeros in its place, by column; then the arrival.
class OrderKeys::Fixed {
 public:
  Fixed(std::span<const OrderColumn> ordering, std::span<const Column> columns)
      : ordering_(ordering), columns_(columns) {
    for (const Column& column : columns) size_ += 1 + column.type().width();
  }
  static bool possible(std::span<const Column> columns) {
    return std::ranges::none_of(columns, [](const Column& column) { return column.type().variable(); });
  }
  std::size_t size() const { return size_ + sizeof(std::int64_t); }

  void fill(char* out) const {
    std::size_t offset = 0;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::size_t width = columns_[i].type().width();
      width == 8 && columns_[i].type() != kDouble ? fill_eight(out + offset, i) : fill_any(out + offset, i);
      offset += 1 + width;
    }
  }

 private:
  void fill_eight(char* out, std::size_t i) const {
    const Column& column = columns_[i];
    const auto* values = column.values<std::int64_t>();
    const std::uint64_t flip = (1ULL << 63) ^ (ordering_[i].descending ? ~0ULL : 0);
    for (std::size_t row = 0; row < column.size(); ++row, out += size()) {
      const bool valid = column.valid(row);
      *out = valid == ordering_[i].nulls_first ? '\1' : '\0';
      const std::uint64_t value = valid ? __builtin_bswap64(static_cast<std::uint64_t>(values[row]) ^ flip) : 0;
      std::memcpy(out + 1, &value, sizeof value);
    }
  }
  void fill_any(char* out, std::size_t i) const {
    const std::size_t size = 1 + columns_[i].type().width();
    std::string one;
    for (std::size_t row = 0; row < columns_[i].size(); ++row, out += this->size()) {
      one.clear();
      append_ordered(one, ordering_[i], columns_[i], row);
      one.resize(size, '\0');
      std::memcpy(out, one.data(), size);
    }
  }

  std::span<const OrderColumn> ordering_;
  std::span<const Column> columns_;
  std::size_t size_ = 0;
};

void OrderKeys::make(std::span<const OrderColumn> ordering, std::span<const Column> columns, const Column& arrival) {
  bytes_.clear();
  ends_.clear();
  size_ = arrival.size();
  stride_ = 0;
  if (Fixed::possible(columns)) {
    const Fixed fixed(ordering, columns);
    stride_ = fixed.size();
    bytes_.resize(size_ * stride_);
    fixed.fill(bytes_.data());
    for (std::size_t row = 0; row < size_; ++row) {
      const std::uint64_t number = __builtin_bswap64(static_cast<std::uint64_t>(arrival.value<std::int64_t>(row)));
      std::memcpy(bytes_.data() + (row + 1) * stride_ - sizeof number, &number, sizeof number);
    }
    return;
  }
  for (std::size_t row = 0; row < arrival.size(); ++row) {
    for (std::size_t i = 0; i < ordering.size(); ++i) append_ordered(bytes_, ordering[i], columns[i], row);
    append_unsigned(bytes_, static_cast<std::uint64_t>(arrival.value<std::int64_t>(row)));
    ends_.push_back(bytes_.size());
  }
}

}  // namespace stream
