#include "stages/kit/live_lookup.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "snapshot/point_lookup.h"
#include "stages/kit/unix_socket.h"
#include "transport/base/json_fields.h"

namespace stream {
namespace {

Result<std::string> answer_of(StateStore& store, const nlohmann::json& request) {
  const std::string name = text_at(request, "table");
  const std::vector<TableSpec> specs = store.specs();
  const auto spec = std::ranges::find(specs, name, &TableSpec::name);
  if (spec == specs.end() || is_outbox(*spec)) return usage_error("the instance keeps no state table '" + name + "'");
  const auto key = request.find("key");
  return look_up(store.table(*spec), key == request.end() ? nlohmann::json() : *key);
}

}  // namespace

void answer_lookup(StateStore& store, std::string_view text) {
  const nlohmann::json request = nlohmann::json::parse(text, nullptr, false);
  if (!request.is_object()) return;
  const int fd = connect_to_unix(text_at(request, "socket"));
  if (fd < 0) return;
  const Result<std::string> answer = answer_of(store, request);
  const std::string line = (answer.ok() ? "R" + *answer : "E" + answer.status().what()) + "\n";
  // A reader that takes less has gone, or takes the half for none.
  (void)::send(fd, line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::close(fd);
}

}  // namespace stream
