// Requests of strangers: whatever is sent, the gate and the table of routes answer with a status and JSON, and say no
// more than what was asked. The first byte chooses who sends; then come, each ended by a line: method, target, host,
// origin, authorization, type, and the body.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "supervisor/http/access.h"
#include "supervisor/http/address.h"
#include "supervisor/http/audit.h"
#include "tests/unit/http/fakes.h"

namespace {

using namespace stream;
using namespace stream::http;

std::string next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string line(text.substr(0, end));
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

void check_answer(const Answer& answer) {
  if (answer.status < 200 || answer.status > 599) std::abort();
  if (answer.take_over || !answer.type.starts_with("application/json")) return;
  if (Json::parse(answer.text, nullptr, false).is_discarded()) std::abort();
}

const Access& access_of(bool tokens) {
  static const Access open({}, "127.0.0.1");
  static const Access closed({{"reader", Role::kRead, sha256_of("r")}, {"worker", Role::kOperate, sha256_of("o")}},
                             "::");
  return tokens ? closed : open;
}

void answer(Request request, const Head& head, bool tokens) {
  FakeJobs jobs;
  static FakeChanges changes;
  static FakeStreams streams;
  static Commands commands("/nonexistent/stream", {}, "");
  Operations operations;
  static FlameGraphs flames(
      [](const std::string&, const ProfileWish&) { return Result<Profile>(failed("nobody is there")); });
  if (const auto refusal = access_of(tokens).gate(head, request)) return check_answer(*refusal);
  const Site site{.host = "here", .address = "127.0.0.1:8081", .now_ms = 10'000, .commands = &commands};
  check_answer(dispatch(request, site, {jobs, changes, operations, streams, flames}));
  if (!operations.wait_until_idle(10'000'000) || !flames.wait_until_idle(10'000'000)) std::abort();
  changes.forget();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  (void)parse_tokens(std::string(text), "tokens");
  (void)parse_address(std::string(text));
  Head head{.method = next_line(text), .target = next_line(text)};
  head.host = next_line(text);
  head.origin = next_line(text);
  head.authorization = next_line(text);
  head.content_type = next_line(text);
  head.has_body = !text.empty();
  Request request{.method = head.method, .target = head.target, .body = std::string(text)};
  request.content_type = head.content_type;
  request.last_event_id = head.origin;
  (void)without_parameters(request.target);
  answer(request, head, (data[0] & 1U) != 0);
  // The same where the gate lets everybody in.
  head.host = "localhost";
  head.origin.clear();
  answer(std::move(request), head, false);
  return 0;
}
