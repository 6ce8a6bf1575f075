#include "stages/read-postgres/pgoutput.h"

#include <charconv>
#include <cstdio>

namespace stream {
namespace {

constexpr std::int64_t kEpochOfPostgres = 946'684'800'000'000;  // 2000-01-01 in microseconds since 1970

// Reads network byte order; once it has failed it gives zeros.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}

  std::uint64_t number(std::size_t size) {
    std::uint64_t value = 0;
    for (const char c : take(size)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  char letter() { return static_cast<char>(number(1)); }
  std::string text() {
    const std::size_t end = left_.find('\0');
    if (end == std::string_view::npos) {
      bad_ = true;
      return {};
    }
    std::string out(left_.substr(0, end));
    left_.remove_prefix(end + 1);
    return out;
  }
  std::string_view take(std::size_t size) {
    if (size > left_.size()) {
      bad_ = true;
      return {};
    }
    const std::string_view out = left_.substr(0, size);
    left_.remove_prefix(size);
    return out;
  }
  std::string_view rest() const { return left_; }
  bool bad() const { return bad_; }
  bool end() const { return bad_ || left_.empty(); }
  void fail() { bad_ = true; }

 private:
  std::string_view left_;
  bool bad_ = false;
};

PgTuple read_tuple(Reader& in) {
  PgTuple tuple;
  const std::uint64_t count = in.number(2);
  for (std::uint64_t i = 0; i < count && !in.bad(); ++i) {
    switch (in.letter()) {
      case 'n': tuple.push_back({.null = true}); break;
      case 'u': tuple.push_back({.unchanged = true}); break;
      case 't': tuple.push_back({.text = in.take(in.number(4))}); break;
      default: in.fail();
    }
  }
  return tuple;
}

void read_relation(Reader& in, PgMessage& out) {
  out.schema = in.text();
  out.name = in.text();
  in.letter();  // replica identity
  const std::uint64_t count = in.number(2);
  for (std::uint64_t i = 0; i < count && !in.bad(); ++i) {
    in.letter();  // part of the key
    out.columns.push_back(in.text());
    in.number(4);  // type
    in.number(4);  // its modifier
  }
}

void read_change(Reader& in, PgMessage& out) {
  char part = in.letter();
  if (part == 'K' || part == 'O') {
    out.before = read_tuple(in);
    part = in.end() ? '\0' : in.letter();
  }
  if (part == 'N') out.after = read_tuple(in);
}

void read_truncate(Reader& in, PgMessage& out) {
  const std::uint64_t count = in.number(4);
  in.letter();  // CASCADE, RESTART IDENTITY
  for (std::uint64_t i = 0; i < count && !in.bad(); ++i) {
    out.truncated.push_back(static_cast<std::uint32_t>(in.number(4)));
  }
}

void append(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

}  // namespace

std::string print_lsn(Lsn lsn) {
  char text[32];
  const int size = std::snprintf(text, sizeof text, "%X/%X", static_cast<unsigned>(lsn >> 32),
                                 static_cast<unsigned>(lsn & 0xffffffff));
  return {text, static_cast<std::size_t>(size)};
}

Result<Lsn> parse_lsn(std::string_view text) {
  std::uint32_t high = 0;
  std::uint32_t low = 0;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, high, 16);
  if (first.ec == std::errc() && first.ptr != end && *first.ptr == '/') {
    const auto second = std::from_chars(first.ptr + 1, end, low, 16);
    if (second.ec == std::errc() && second.ptr == end) return Lsn{high} << 32 | low;
  }
  return failed("'" + std::string(text) + "' is no position in a log of PostgreSQL");
}

Result<PgMessage> parse_pgoutput(std::string_view bytes) {
  using Kind = PgMessage::Kind;
  Reader in(bytes);
  PgMessage out;
  const char letter = in.letter();
  switch (letter) {
    case 'B':
      out.kind = Kind::kBegin;
      in.take(16);  // where it ends, and when
      out.xid = static_cast<std::uint32_t>(in.number(4));
      break;
    case 'C':
      out.kind = Kind::kCommit;
      in.take(9);  // flags, where its commit begins
      out.end = in.number(8);
      break;
    case 'R': out.kind = Kind::kRelation; break;
    case 'I': out.kind = Kind::kInsert; break;
    case 'U': out.kind = Kind::kUpdate; break;
    case 'D': out.kind = Kind::kDelete; break;
    case 'T': out.kind = Kind::kTruncate; break;
    default: break;
  }
  const bool change = out.kind == Kind::kInsert || out.kind == Kind::kUpdate || out.kind == Kind::kDelete;
  if (change || out.kind == Kind::kRelation) out.relation = static_cast<std::uint32_t>(in.number(4));
  if (change) read_change(in, out);
  if (out.kind == Kind::kRelation) read_relation(in, out);
  if (out.kind == Kind::kTruncate) read_truncate(in, out);
  if (in.bad()) return failed(std::string("a message '") + letter + "' of PostgreSQL's replication cannot be read");
  return out;
}

Result<PgFrame> parse_frame(std::string_view bytes) {
  Reader in(bytes);
  PgFrame out;
  const char letter = in.letter();
  out.data = letter == 'w';
  if (out.data) in.take(8);  // where the message lies
  out.end = in.number(8);
  in.take(8);  // when it was sent
  if (!out.data) out.reply = in.number(1) != 0;
  out.bytes = in.rest();
  if (in.bad() || (letter != 'w' && letter != 'k')) return failed("PostgreSQL's replication cannot be understood");
  return out;
}

std::string status_update(Lsn received, Lsn flushed, std::int64_t now_wall_us) {
  std::string out = "r";
  append(out, received);
  append(out, flushed);
  append(out, flushed);
  append(out, static_cast<std::uint64_t>(now_wall_us - kEpochOfPostgres));
  out += '\0';
  return out;
}

}  // namespace stream
