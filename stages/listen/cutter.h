// Cutter: a stream of bytes to records: lines, or what RFC 6587 says of syslog ("23 <34>1 …" has its length first).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace stream::listen {

class Cutter {
 public:
  Cutter(std::size_t record_max, bool counted) : record_max_(record_max), counted_(counted) {}

  // `too_long`: the record is longer than may be; the text is its beginning.
  using OnRecord = std::function<void(std::string_view record, bool too_long)>;
  void add(std::string_view bytes, const OnRecord& on_record);
  // Nothing follows: what is left is a record too.
  void end(const OnRecord& on_record);

 private:
  bool cut_line(const OnRecord& on_record);
  bool cut_counted(const OnRecord& on_record);
  void skip();

  const std::size_t record_max_;
  const bool counted_;
  std::string held_;
  std::size_t begin_ = 0;      // of what is not yet cut
  std::size_t searched_ = 0;   // from begin_ on: no line end in there
  bool skipping_ = false;      // to the end of a line that was too long
  std::uint64_t to_skip_ = 0;  // bytes of a counted record that was too long
};

}  // namespace stream::listen
