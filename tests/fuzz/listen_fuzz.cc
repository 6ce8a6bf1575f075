// What strangers send: cut into records, in pieces of a size that the first byte gives, and taken apart.
#include <cstdint>

#include "stages/listen/cutter.h"
#include "stages/listen/json_records.h"
#include "stages/listen/syslog.h"
#include "transport/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace stream;
  using namespace stream::listen;
  constexpr std::size_t kRecordMax = 64;
  if (size < 2) return 0;
  const std::size_t piece = 1 + data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (const bool counted : {false, true}) {
    Cutter cutter(kRecordMax, counted);
    const auto on_record = [](std::string_view record, bool) {
      STREAM_CHECK(record.size() <= kRecordMax);
      (void)syslog_record(record, 1'767'225'600'000'000);
    };
    for (std::size_t at = 0; at < bytes.size(); at += piece) cutter.add(bytes.substr(at, piece), on_record);
    cutter.end(on_record);
  }
  for (const char* type : {"application/json", "text/plain"}) {
    std::vector<std::string> records;
    std::string why;
    (void)records_of(type, bytes, kRecordMax, &records, &why);
  }
  return 0;
}
