#include "stages/write-http/requests.h"

#include <algorithm>
#include <charconv>

namespace stream {
namespace {

constexpr Microseconds kDelayMin = 100'000;
constexpr Microseconds kDelayMax = 10'000'000;
constexpr Microseconds kAskedMax = 60'000'000;

}  // namespace

std::string Requests::key(const Committable& committable, std::size_t number) const {
  if (shape_.run.empty()) return "";
  return shape_.run + "-" + shape_.stage + "-" + std::to_string(committable.origin) + "-" +
         std::to_string(committable.epoch.value()) + "-" + std::to_string(number);
}

void Requests::begin(std::string& body) const {
  if (shape_.array && shape_.rows_max > 1) body += '[';
}

void Requests::end(std::string& body) const {
  if (shape_.array && shape_.rows_max > 1) body += ']';
}

std::vector<HttpBody> Requests::of(const Committable& committable, const std::vector<Batch>& batches) {
  std::vector<HttpBody> out;
  std::size_t rows = shape_.rows_max;
  for (const Batch& batch : batches) {
    for (std::size_t row = 0; row < batch.rows; ++row, ++rows) {
      if (rows == shape_.rows_max) {
        if (!out.empty()) end(out.back().text);
        out.push_back({"", key(committable, out.size())});
        begin(out.back().text);
        rows = 0;
      }
      std::string& body = out.back().text;
      if (shape_.array && rows > 0) body += ',';
      body += encoder_.encode(batch, row);
      if (!shape_.array) body += '\n';
    }
  }
  if (!out.empty()) end(out.back().text);
  return out;
}

Answer meaning(int status) {
  if (status >= 200 && status < 300) return Answer::kTaken;
  const bool later = status >= 500 || status == 408 || status == 425 || status == 429;
  return later ? Answer::kLater : Answer::kNever;
}

Microseconds retry_delay(int tries, std::string_view retry_after) {
  const Microseconds own = std::min(kDelayMax, kDelayMin << std::min(tries, 20));
  std::int64_t seconds = 0;
  const char* last = retry_after.data() + retry_after.size();
  const auto [end, error] = std::from_chars(retry_after.data(), last, seconds);
  if (retry_after.empty() || error != std::errc() || end != last || seconds < 0) return own;
  return std::max(own, std::min<Microseconds>(std::min<std::int64_t>(seconds, 60) * 1'000'000, kAskedMax));
}

}  // namespace stream
