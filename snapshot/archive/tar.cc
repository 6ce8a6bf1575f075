#include "snapshot/archive/tar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <vector>

#include "transport/base/text.h"

namespace stream {
namespace {

// Where a field is in a header.
struct Field {
  std::size_t at;
  std::size_t size;
};
constexpr Field kName{0, 100}, kMode{100, 8}, kOwner{108, 8}, kGroup{116, 8}, kSize{124, 12}, kTime{136, 12},
    kSum{148, 8}, kType{156, 1}, kMagic{257, 8}, kPrefix{345, 155};

constexpr std::size_t kTextMax = 1 << 20;        // of a long name or attributes
constexpr std::uint64_t kTrailingMax = 1 << 20;  // zeros after the end: tar fills a record
constexpr unsigned char kBinary = 0x80;          // of a number too large for octal digits

using Header = std::array<char, kTarBlock>;

void put_octal(Header& header, Field field, std::uint64_t value) {
  std::snprintf(header.data() + field.at, field.size, "%0*llo", static_cast<int>(field.size) - 1,
                static_cast<unsigned long long>(value));
}

void put_size(Header& header, std::uint64_t value) {
  if (value < (std::uint64_t{1} << 33)) return put_octal(header, kSize, value);
  header[kSize.at] = static_cast<char>(kBinary);
  for (std::size_t i = 0; i < 8; ++i)
    header[kSize.at + kSize.size - 1 - i] = static_cast<char>((value >> (8 * i)) & 0xFF);
}

// Its own field counts as blanks.
std::uint64_t sum_of(const Header& header) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < header.size(); ++i) {
    const bool own = i >= kSum.at && i < kSum.at + kSum.size;
    sum += own ? ' ' : static_cast<unsigned char>(header[i]);
  }
  return sum;
}

std::string_view text_of(const Header& header, Field field) {
  const char* text = header.data() + field.at;
  return {text, ::strnlen(text, field.size)};
}

Status damaged() { return corrupt("it is not a tar archive, or is damaged"); }

Result<std::uint64_t> number_of(const Header& header, Field field) {
  std::uint64_t value = 0;
  if ((static_cast<unsigned char>(header[field.at]) & kBinary) != 0) {
    for (std::size_t i = field.size - 8; i < field.size; ++i)
      value = value << 8 | static_cast<unsigned char>(header[field.at + i]);
    return value >> 62 != 0 ? Result<std::uint64_t>(damaged()) : value;
  }
  const std::string_view digits = trim(text_of(header, field));
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 8);
  if (error != std::errc() || end != digits.data() + digits.size()) return damaged();
  return value;
}

std::string full_name(const Header& header) {
  const std::string name(text_of(header, kName));
  const bool posix = std::memcmp(header.data() + kMagic.at, "ustar\0", 6) == 0;
  const std::string_view prefix = posix ? text_of(header, kPrefix) : std::string_view();
  return prefix.empty() ? name : std::string(prefix) + "/" + name;
}

std::string kind_name(char type) {
  switch (type) {
    case '1': return "a hard link";
    case '2': return "a symbolic link";
    case '3':
    case '4': return "a device";
    case '6': return "a pipe";
    default: return std::string("an entry of type '") + (type < ' ' || type > '~' ? '?' : type) + "'";
  }
}

}  // namespace

std::size_t tar_padding(std::uint64_t size_bytes) { return (kTarBlock - size_bytes % kTarBlock) % kTarBlock; }

Result<std::string> tar_header(const TarEntry& entry, std::int64_t modified_s) {
  Header header{};
  std::string name = entry.name + (entry.folder ? "/" : "");
  std::string prefix;
  if (const std::size_t slash = name.find('/'); name.size() > kName.size && slash != std::string::npos) {
    prefix = name.substr(0, slash);
    name.erase(0, slash + 1);
  }
  if (name.empty() || name.size() > kName.size || prefix.size() > kPrefix.size)
    return usage_error("'" + entry.name + "' is too long a name for an archive");
  name.copy(header.data() + kName.at, kName.size);
  prefix.copy(header.data() + kPrefix.at, kPrefix.size);
  put_octal(header, kMode, entry.folder ? 0755 : 0444);
  put_octal(header, kOwner, 0);
  put_octal(header, kGroup, 0);
  put_size(header, entry.size_bytes);
  put_octal(header, kTime, static_cast<std::uint64_t>(std::max<std::int64_t>(modified_s, 0)));
  header[kType.at] = entry.folder ? '5' : '0';
  std::memcpy(header.data() + kMagic.at, "ustar\00000", kMagic.size);
  std::snprintf(header.data() + kSum.at, kSum.size, "%06llo", static_cast<unsigned long long>(sum_of(header)));
  header[kSum.at + 7] = ' ';
  return std::string(header.data(), header.size());
}

Result<std::string> name_in_archive(const TarEntry& entry) {
  const Status elsewhere = usage_error("it holds '" + entry.name + "', which is no place for a file of a savepoint");
  std::vector<std::string> parts;
  if (entry.name.starts_with('/')) return elsewhere;
  for (const std::string& part : split(entry.name, '/')) {
    const bool hidden = std::ranges::any_of(part, [](char c) { return static_cast<unsigned char>(c) < ' '; });
    if (part == ".." || hidden) return elsewhere;
    if (!part.empty() && part != ".") parts.push_back(part);
  }
  const std::size_t most = entry.folder ? 1 : 2;
  if (parts.size() > most || (parts.empty() && !entry.folder)) return elsewhere;
  return entry.folder ? std::string() : parts.back();
}

Status TarReader::fill(std::span<char> out) {
  while (!out.empty()) {
    STREAM_ASSIGN(const std::size_t got, source_(out));
    if (got == 0) return corrupt("it is cut off");
    out = out.subspan(got);
  }
  return {};
}

Status TarReader::skip(std::uint64_t bytes) {
  std::array<char, 1 << 16> ignored;
  while (bytes > 0) {
    const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, ignored.size()));
    STREAM_TRY(fill(std::span(ignored).first(size)));
    bytes -= size;
  }
  return {};
}

Result<std::string> TarReader::text(std::uint64_t size_bytes) {
  if (size_bytes > kTextMax) return damaged();
  std::string bytes(static_cast<std::size_t>(size_bytes), '\0');
  STREAM_TRY(fill(bytes));
  STREAM_TRY(skip(tar_padding(size_bytes)));
  return bytes;
}

// "27 path=17/savepoint.sqlite\n" and more of that; the number counts the whole line.
Result<TarReader::Attributes> TarReader::attributes(std::uint64_t size_bytes) {
  STREAM_ASSIGN(const std::string bytes, text(size_bytes));
  Attributes found;
  for (std::string_view rest = bytes; !rest.empty();) {
    std::size_t size = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), size);
    const auto digits = static_cast<std::size_t>(end - rest.data());
    if (error != std::errc() || size > rest.size() || size < digits + 2 || *end != ' ') return damaged();
    const std::string_view line = rest.substr(digits + 1, size - digits - 2);
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return damaged();
    found[std::string(line.substr(0, equals))] = line.substr(equals + 1);
    rest.remove_prefix(size);
  }
  return found;
}

// The source is read to its end, where its own checksum stands.
Status TarReader::expect_end() {
  std::array<char, 1 << 14> rest;
  for (std::uint64_t trailing = 0;;) {
    STREAM_ASSIGN(const std::size_t got, source_(rest));
    if (got == 0) return {};
    trailing += got;
    const bool zeros = std::ranges::all_of(std::span(rest).first(got), [](char c) { return c == 0; });
    if (!zeros || trailing > kTrailingMax) return corrupt("something follows its end");
  }
}

// What came before a header says more of its entry than fits into it.
Result<TarEntry> TarReader::entry_of(const Header& header, std::uint64_t size_bytes, Attributes given) {
  const bool folder = header[kType.at] == '5';
  TarEntry entry{given.contains("path") ? given["path"] : full_name(header), folder ? 0 : size_bytes, folder};
  if (given.contains("size") && !folder) {
    STREAM_ASSIGN(const std::int64_t exact, parse_integer(given["size"]));
    if (exact < 0) return damaged();
    entry.size_bytes = static_cast<std::uint64_t>(exact);
  }
  if (std::ranges::any_of(given, [](const auto& one) { return one.first.starts_with("GNU.sparse"); }))
    return usage_error("it holds '" + entry.name + "' as a sparse file; pack it without --sparse");
  left_ = entry.size_bytes;
  padding_ = tar_padding(left_);
  return entry;
}

Result<std::optional<TarEntry>> TarReader::next() {
  STREAM_TRY(skip(left_));
  STREAM_TRY(skip(padding_));
  left_ = padding_ = 0;
  Attributes given;
  for (;;) {
    Header header;
    STREAM_TRY(fill(header));
    if (std::ranges::all_of(header, [](char c) { return c == 0; })) {
      STREAM_TRY(expect_end());
      return std::optional<TarEntry>();
    }
    STREAM_ASSIGN(const std::uint64_t sum, number_of(header, kSum));
    STREAM_ASSIGN(const std::uint64_t size, number_of(header, kSize));
    if (sum != sum_of(header)) return damaged();
    switch (const char type = header[kType.at]) {
      case 'g': STREAM_TRY(attributes(size).status()); break;  // of all entries: nothing we need
      case 'x': {
        STREAM_ASSIGN(given, attributes(size));
        break;
      }
      case 'L': {
        STREAM_ASSIGN(const std::string name, text(size));
        given["path"] = name.substr(0, name.find('\0'));
        break;
      }
      case '0':
      case '\0':
      case '5': {
        STREAM_ASSIGN(TarEntry entry, entry_of(header, size, std::move(given)));
        return std::optional(std::move(entry));
      }
      default:
        return usage_error("it holds '" + full_name(header) + "', " + kind_name(type) + "; a savepoint has none");
    }
  }
}

Result<std::size_t> TarReader::read(std::span<char> out) {
  const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), left_));
  if (size == 0) return std::size_t{0};
  STREAM_ASSIGN(const std::size_t got, source_(out.first(size)));
  if (got == 0) return corrupt("it is cut off");
  left_ -= got;
  return got;
}

}  // namespace stream
