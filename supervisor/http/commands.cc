#include "supervisor/http/commands.h"

#include <nlohmann/json.hpp>
#include <thread>

#include "supervisor/http/command_relay.h"
#include "supervisor/http/operations.h"

namespace stream::http {
namespace {

using nlohmann::json;

constexpr std::size_t kShownMax = 2000;  // bytes of a command in the log of changes

std::string told(const Command& command, Role role, const Permissions& permissions) {
  const CommandTerminal& on = command.terminal;
  return json{{"arguments", command.arguments},
              {"files", command.files},
              {"role", to_string(role)},
              {"roots", permissions.roots},
              {"exec", permissions.exec},
              {"terminal",
               {{"columns", on.columns},
                {"rows", on.rows},
                {"error-columns", on.error_columns},
                {"color", on.colour},
                {"live", on.live}}}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

// What an answer holds until the connection is there.
struct Begun {
  std::unique_ptr<Room::Place> place;  // first: the process ends before it is left
  std::unique_ptr<CommandProcess> process = {};
};

void relay(Begun& begun, std::unique_ptr<OpenEnd> end, const Commands::Listener& ended, AuditedEnd told) {
  const Microseconds began = system_clock().monotonic_us();
  CommandRelay relay(std::move(begun.process), std::move(end), begun.place->stop());
  relay.run();
  if (!ended) return;
  told.why = relay.failure();
  told.took_us = system_clock().monotonic_us() - began;
  ended(told);
}

}  // namespace

Commands::Commands(std::string program, Permissions permissions, std::string job, Listener ended)
    : program_(std::move(program)),
      permissions_(std::move(permissions)),
      job_(std::move(job)),
      ended_(std::move(ended)),
      room_(std::make_shared<Room>(kCommandsAtOnce)) {}

Commands::~Commands() { stop(); }

Answer Commands::begin(const Command& command, const Request& by) {
  if (!job_.empty())
    return refuse(403, "this server serves job '" + job_ + "' alone, and runs no commands; 'stream serve' does");
  auto begun = std::make_shared<Begun>(Begun{Room::enter(room_)});
  if (begun->place == nullptr) {
    return refuse(Status(Code::kInterrupted, std::to_string(kCommandsAtOnce) +
                                                 " commands run here, the most at once; try again when one has ended"));
  }
  auto process = CommandProcess::start(program_, told(command, by.role, permissions_));
  if (!process.ok()) return refuse(process.status());
  begun->process = *std::move(process);
  const Verdict& verdict = begun->process->verdict();
  Answer answer;
  answer.reads_only = !verdict.changes;
  answer.did = verdict.shown.substr(0, kShownMax);
  if (verdict.refused != 0) {
    Answer refusal = refuse(verdict.refused, verdict.why);
    refusal.did = std::move(answer.did);
    return refusal;
  }
  answer.type = "application/x-ndjson; charset=UTF-8";
  const Listener ended = verdict.changes ? ended_ : Listener();
  if (ended) answer.begun = new_id();
  const AuditedEnd told = {
      .operation = answer.begun, .who = by.who, .remote = by.remote, .what = "command", .command = answer.did};
  answer.take_over = [begun, ended, told](std::unique_ptr<OpenEnd> end) {
    std::thread([begun, ended, told, end = std::move(end)]() mutable {
      relay(*begun, std::move(end), ended, std::move(told));
    }).detach();
  };
  return answer;
}

void Commands::stop() { room_->stop(2 * kCommandGrace); }

}  // namespace stream::http
