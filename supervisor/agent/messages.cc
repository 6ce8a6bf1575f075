#include "supervisor/agent/messages.h"

#include <nlohmann/json.hpp>

namespace stream {

using nlohmann::json;

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ProcessExit, signalled, code, resident_kib, lost)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(AgentMessage, type, id, job, place, folder, silence_us, program,
                                                control, secret, sockets, address, reaches, node, text, number, exit)

std::string to_json(const AgentMessage& message) {
  json out = message;
  for (auto it = out.begin(); it != out.end();) {
    const bool empty = it->is_string() && it->get_ref<const std::string&>().empty();
    it = empty || (it.key() == "exit" && message.type != "ended") ? out.erase(it) : std::next(it);
  }
  if (message.type == "hello") {
    out["protocol"] = kAgentProtocol;
    out["version"] = STREAM_VERSION;
  }
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<AgentMessage> agent_message_from_json(std::string_view text) {
  const json in = json::parse(text, nullptr, false);
  if (!in.is_object()) return corrupt("'" + std::string(text.substr(0, 200)) + "' is no message");
  try {
    AgentMessage message = in.get<AgentMessage>();
    if (message.type.empty()) return corrupt("a message without a type");
    if (message.type != "hello") return message;
    const std::string version = in.value("version", std::string());
    if (in.value("protocol", 0) != kAgentProtocol || version != STREAM_VERSION)
      return failed("version '" + version +
                    "' is installed there, '" STREAM_VERSION
                    "' here; install the same on every host, or name its folder with 'programs'");
    return message;
  } catch (const json::exception& error) { return corrupt(error.what()); }
}

}  // namespace stream
