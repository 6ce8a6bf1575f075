#include "supervisor/yarn/service.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "transport/base/text.h"

namespace stream::yarn {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::uint64_t kMebibyte = 1U << 20;
constexpr std::size_t kNameMost = 63;
constexpr std::string_view kApplication = "Application ID: ";

// YARN writes it into each container, where it is what runs. It starts again whatever ends but with 0. So what was
// killed goes on at once, and here; what was stopped by anybody but the job itself goes on elsewhere, unless it was
// YARN that stopped it, which then asks for no code.
std::string script(const Deployed& deployed) {
  // YARN unpacks an archive in the container, as `lib`.
  std::string command =
      deployed.archive.empty() ? shell_quoted(deployed.program) : "\"$programs\"/" + shell_quoted(deployed.program);
  for (const std::string& word : deployed.run) command += " " + shell_quoted(word);
  const std::string leaders = shell_quoted(deployed.leaders);
  return "# Made by 'stream deploy --on yarn': see stream-yarn(7).\n"
         "# What the supervisor keeps for itself; of the job all is in the folder of its checkpoints.\n"
         "export STREAM_HOME=\"$PWD/home\"\n"
         "echo \"on $NM_HOST, with STREAM_HOME=$STREAM_HOME\" >&2\n" +
         std::string(deployed.archive.empty() ? "" : "programs=\"$PWD/lib\"\n") + "cd " +
         shell_quoted(deployed.folder) +
         " || exit 1\n"
         "# In it is written which supervisor leads: one at a time.\n"
         "[ -d " +
         leaders + " ] || mkdir -p " + leaders +
         " || exit 1\n"
         "stopped=\n"
         "trap stopped=1 TERM  # which the supervisor gets as well: it ends with a checkpoint\n"
         "code=128\n"
         "while [ \"$code\" -ge 128 ] && [ -z \"$stopped\" ]; do\n"
         "  " +
         command +
         " &\n"
         "  supervisor=$!\n"
         "  while kill -0 \"$supervisor\" 2> /dev/null; do wait \"$supervisor\"; done\n"
         "  wait \"$supervisor\"\n"
         "  code=$?\n"
         "done\n"
         "[ -z \"$stopped\" ] || exit 143\n"
         "exit \"$code\"\n";
}

ordered_json component(const Deployed& deployed) {
  ordered_json out;
  out["name"] = "supervisor";
  out["number_of_containers"] = 1;
  if (!deployed.archive.empty()) out["artifact"] = {{"id", deployed.archive}, {"type", "TARBALL"}};
  out["restart_policy"] = "ON_FAILURE";
  out["launch_command"] = "exec bash conf/run.sh";
  out["resource"] = {{"cpus", deployed.cpus},
                     {"memory", std::to_string((deployed.memory_bytes + kMebibyte - 1) / kMebibyte)}};
  // A container that has failed is given back: where it was something is wrong, and the next may be elsewhere.
  ordered_json& settings = out["configuration"]["properties"];
  settings["yarn.service.container-failure.retry.max"] = "0";
  // After so many the master gives up: see below. No node is shunned before that: of a cluster with few nodes none
  // would be left, for the next master as well, and the service wait for ever.
  settings["yarn.service.container-failure-per-component.threshold"] = "5";
  settings["yarn.service.node-blacklist.threshold"] = "100";
  ordered_json file;
  file["type"] = "TEMPLATE";
  file["dest_file"] = "run.sh";
  file["properties"]["content"] = script(deployed);
  out["configuration"]["files"] = ordered_json::array({file});
  return out;
}

std::string text_of(const json& value, const char* key) {
  const auto it = value.is_object() ? value.find(key) : value.end();
  return it != value.end() && it->is_string() ? it->get<std::string>() : "";
}

bool is_name(std::string_view text) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789-";
  return text.size() <= kNameMost && text.find_first_not_of(kAllowed) == std::string_view::npos && !text.ends_with('-');
}

// YARN puts its own values in where a file of a service has ${USER} and the like.
const std::string* changed_word(const Deployed& deployed) {
  for (const std::string& word : deployed.run) {
    if (word.find("${") != std::string::npos) return &word;
  }
  for (const std::string* path : {&deployed.program, &deployed.folder, &deployed.leaders}) {
    if (path->find("${") != std::string::npos) return path;
  }
  return nullptr;
}

}  // namespace

std::string service_name(const std::string& job) { return "stream-" + job; }

Status check(const Deployed& deployed) {
  if (!is_name(service_name(deployed.job)))
    return usage_error("'" + deployed.job +
                       "' is no name that YARN takes: lower-case letters, digits and '-', 56 characters at most, and "
                       "no '-' at its end; give another with --name");
  if (const std::string* const word = changed_word(deployed); word != nullptr)
    return usage_error("'" + *word + "' has '${' in it, which YARN would replace");
  return {};
}

std::string service(const Deployed& deployed) {
  ordered_json out;
  out["name"] = service_name(deployed.job);
  out["version"] = "1";
  out["description"] = "Made by 'stream deploy --on yarn': see stream-yarn(7).";
  out["lifetime"] = -1;
  if (!deployed.queue.empty()) out["queue"] = deployed.queue;
  ordered_json& settings = out["configuration"]["properties"];
  // Masters that end within five minutes, lost or given up, and then the service has failed. Without a bound in time
  // those would count that are lost in the months that it runs.
  settings["yarn.service.am-restart.max-attempts"] = "3";
  settings["yarn.service.am-failure.validity-interval-ms"] = "300000";
  // Where the container was lost together with its master: how long the next master waits for it.
  settings["yarn.service.container-recovery.timeout.ms"] = "30000";
  out["components"] = ordered_json::array({component(deployed)});
  return out.dump(2) + "\n";
}

Answer answer_of(const std::string& body) {
  const json said = json::parse(body, nullptr, false);
  Answer out{.state = text_of(said, "state"), .id = text_of(said, "id"), .reason = text_of(said, "diagnostics")};
  if (out.reason.starts_with(kApplication)) {
    out.id = out.reason.substr(kApplication.size());
    out.reason.clear();
  }
  std::ranges::replace(out.reason, '\n', ' ');
  return out;
}

bool is_live(std::string_view state) {
  constexpr std::string_view kOver[] = {"", "STOPPED", "FAILED", "SUCCEEDED"};
  return std::ranges::find(kOver, state) == std::end(kOver);
}

}  // namespace stream::yarn
