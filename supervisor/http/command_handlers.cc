// A verb is sent, and what it prints comes back.
#include <algorithm>

#include "supervisor/http/commands.h"
#include "supervisor/http/handlers.h"

namespace stream::http {
namespace {

constexpr int kColumnsMax = 10'000;

int size_of(const Json& terminal, const char* name) { return std::clamp(terminal.value(name, 0), 0, kColumnsMax); }

Command command_of(const Json& body) {
  Command command;
  command.arguments = body.value("arguments", std::vector<std::string>());
  command.files = body.value("files", std::map<std::string, std::string>());
  const Json terminal = body.value("terminal", Json::object());
  command.terminal = {size_of(terminal, "columns"), size_of(terminal, "rows"), size_of(terminal, "error-columns"),
                      terminal.value("color", false), terminal.value("live", false)};
  return command;
}

}  // namespace

Answer post_command(Call& call) {
  const Command command = command_of(call.body);
  if (command.arguments.empty()) return refuse(400, "the body names no verb: {\"arguments\": [\"ps\", \"--all\"]}");
  return call.site.commands->begin(command, call.request);
}

}  // namespace stream::http
