// Verbs that are run for requests: the server starts the `stream` program, which reads the command by its own tables,
// says what it needs, and is refused or goes on.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "supervisor/http/audit.h"
#include "supervisor/http/message.h"
#include "supervisor/http/room.h"
#include "supervisor/http/settings.h"

namespace stream::http {

inline constexpr std::size_t kCommandsAtOnce = 32;

struct CommandTerminal {
  int columns = 0;  // 0: what is printed goes to no terminal
  int rows = 0;
  int error_columns = 0;
  bool colour = false;
  bool live = false;  // a picture may be drawn there in place
};

struct Command {
  std::vector<std::string> arguments;
  std::map<std::string, std::string> files = {};  // of who asks, by the names that the arguments have for them
  CommandTerminal terminal = {};
};

class Commands {
 public:
  // Told, on any thread, of a command that has changed something, or was to.
  using Listener = std::function<void(const AuditedEnd&)>;

  // `program`: the `stream` that runs them. With a job, which is then all that is served, there are none.
  Commands(std::string program, Permissions permissions, std::string job, Listener ended = {});
  ~Commands();

  // Starts the command, if who asks may do that; the answer takes the connection over.
  Answer begin(const Command& command, const Request& by);
  // Ends those that run, and waits for it. None begins afterwards.
  void stop();

 private:
  const std::string program_;
  const Permissions permissions_;
  const std::string job_;
  const Listener ended_;
  const std::shared_ptr<Room> room_;
};

}  // namespace stream::http
