#include "cli/commanded.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/remote_rules.h"
#include "cli/terminal.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "supervisor/http/submission.h"
#include "supervisor/job_paths.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::json;

constexpr int kVerdictFd = 3;

std::optional<Commanded>& given() {
  static std::optional<Commanded> commanded;
  return commanded;
}

// What the server reads, as CommandProcess does.
struct Verdict {
  int refused = 0;
  std::string why = {};
  bool changes = false;
  bool follows = false;
  std::string shown = {};
};

void say(const Verdict& verdict) {
  const std::string text = json{
      {"refused", verdict.refused},
      {"why", verdict.why},
      {"changes", verdict.changes},
      {"follows", verdict.follows},
      {"shown", verdict.shown}}.dump(-1, ' ', false, json::error_handler_t::replace);
  [[maybe_unused]] const ssize_t n = ::write(kVerdictFd, text.data(), text.size());
  ::close(kVerdictFd);
}

std::string read_all(int fd) {
  std::string text;
  char chunk[1 << 16];
  for (ssize_t n = 0; (n = ::read(fd, chunk, sizeof chunk)) != 0;) {
    if (n > 0) text.append(chunk, static_cast<std::size_t>(n));
    if (n < 0 && errno != EINTR) break;
  }
  return text;
}

std::size_t size_of(const json& terminal, const char* name) {
  return static_cast<std::size_t>(std::max(0, terminal.value(name, 0)));
}

Result<std::vector<std::string>> read_command(const std::string& text) {
  const json in = json::parse(text, nullptr, false);
  if (!in.is_object()) return usage_error("'stream --commanded' is for stream-server");
  Commanded command;
  STREAM_ASSIGN(command.role, http::parse_role(in.value("role", "")));
  command.permissions = {in.value("roots", std::vector<std::string>()), in.value("exec", false)};
  command.files = in.value("files", std::map<std::string, std::string>());
  const json on = in.value("terminal", json::object());
  use_terminal({size_of(on, "columns"), size_of(on, "rows"), size_of(on, "error-columns"), on.value("color", false),
                on.value("live", false)});
  given() = std::move(command);
  return in.value("arguments", std::vector<std::string>());
}

std::vector<std::string> with(std::vector<std::string> folders, const std::vector<std::string>& more) {
  folders.insert(folders.end(), more.begin(), more.end());
  return folders;
}

// Where snapshots are that jobs have made themselves.
std::vector<std::string> snapshot_folders() {
  std::vector<std::string> folders;
  for (const std::string& job : list_jobs()) {
    folders.push_back(job_paths(job).savepoints());
    folders.push_back(job_paths(job).checkpoints());
  }
  return folders;
}

Status outside(const std::string& path) {
  return usage_error("'" + path + "' is not inside a folder that the server was given with --root");
}

bool is_sent(const std::string& text) { return given()->file(text) != nullptr; }

bool is_there(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(std::filesystem::symlink_status(path, error));
}

// JOB, JOB@N and the like name what the server has; a pipeline is looked at when it is read.
bool names_path(const RemoteRule& rule, const VerbOption& option, const std::string& text) {
  if (is_there(text)) return true;
  const bool pipeline = !rule.pipelines.empty() && text.find_first_of(" |") != std::string::npos;
  return text.find('/') != std::string::npos && !pipeline && !is_sent(text) && option.kind == ValueKind::kReference;
}

Status check_option(const RemoteRule& rule, const VerbOption& option, const std::string& text) {
  if (option.kind == ValueKind::kPath) return check_commanded_path(text);
  if (option.kind != ValueKind::kReference || text == "-" || !names_path(rule, option, text)) return {};
  if (http::is_inside(std::filesystem::absolute(text), with(given()->permissions.roots, snapshot_folders()))) return {};
  return outside(text);
}

// TABLE=FILE[ QUERY] of `state new`: whatever part of it is the file.
Status check_given_rows(const std::string& text) {
  const std::string from = text.substr(std::min(text.size(), text.find('=') + 1));
  if (is_sent(from)) return {};
  for (std::size_t at = from.find(' '); at != std::string::npos; at = from.find(' ', at + 1))
    STREAM_TRY(check_commanded_path(std::string(trim(from.substr(0, at)))));
  return check_commanded_path(from);
}

Status check_places(const Verb& verb, const RemoteRule& rule, const VerbValues& values) {
  for (const VerbOption& option : verb.table->options) {
    for (const std::string& text : values.list(option.name)) {
      if (Status wrong = check_option(rule, option, text); !wrong.ok())
        return std::move(wrong).while_doing(option.positional ? "argument " + std::string(option.arg)
                                                              : "option '--" + std::string(option.name) + "'");
    }
  }
  if (verb.name != "state new") return {};
  for (const std::string& text : values.list("table")) {
    if (Status wrong = check_given_rows(text); !wrong.ok()) return std::move(wrong).while_doing("option '--table'");
  }
  return {};
}

// What is given for parameters may be nobody's business.
std::string shown_value(const VerbOption& option, const std::string& text) {
  const bool hidden = option.name.starts_with("parameter") || option.name.starts_with("set");
  return hidden ? text.substr(0, text.find('=')) + "=..." : text;
}

std::string shown(const Verb& verb, const VerbValues& values) {
  std::string text(verb.name);
  for (const bool positional : {false, true}) {
    for (const VerbOption& option : verb.table->options) {
      for (const std::string& value : values.list(option.name)) {
        if (option.positional != positional || (!option.fallback.empty() && value == option.fallback)) continue;
        if (!positional) text += " --" + std::string(option.name);
        if (option.kind != ValueKind::kFlag) text += " " + shown_value(option, value);
      }
    }
  }
  return text;
}

Verdict refusal(int status, const std::string& why) { return {.refused = status, .why = why}; }

Verdict judge_values(const Verb& verb, const RemoteRule& rule, const VerbValues& values) {
  if (const std::string no = first_given(rule.refused_with, values); !no.empty())
    return refusal(403, "option '--" + no + "' is not taken from elsewhere");
  const http::Role needed = role_of(rule, values);
  if (given()->role < needed) {
    return refusal(403, "the token has the role " + std::string(to_string(given()->role)) + "; this needs " +
                            std::string(to_string(needed)));
  }
  if (const Status wrong = check_places(verb, rule, values); !wrong.ok()) return refusal(400, wrong.what());
  return {.changes = needed != http::Role::kRead, .follows = follows(rule, values)};
}

Verdict judge(const std::vector<std::string>& arguments) {
  const FoundVerb found = find_verb(arguments);
  if (found.verb == nullptr) {
    const bool option = !arguments.empty() && arguments[0].starts_with("-");
    return option ? refusal(400, "'" + arguments[0] + "' is no verb") : Verdict();  // it says itself what it is not
  }
  const Verb& verb = *found.verb;
  const std::string name = "'stream " + std::string(verb.name) + "'";
  const RemoteRule& rule = remote_rule(verb);
  if (rule.at == RunsAt::kHere || rule.at == RunsAt::kAsks)
    return refusal(403, name + " is not run for others; run it where you are");
  if (rule.at == RunsAt::kNowhere) return refusal(403, name + " is not run for others: " + std::string(rule.instead));
  const auto values = parse_verb(verb, std::span(arguments).subspan(found.words));
  if (!values.ok() || values->flag("help") || values->flag("man")) return {};
  Verdict verdict = judge_values(verb, rule, *values);
  verdict.shown = shown(verb, *values);
  return verdict;
}

}  // namespace

const std::string* Commanded::file(const std::string& name) const {
  const auto at = files.find(name);
  return at == files.end() ? nullptr : &at->second;
}

std::string Commanded::folder() const { return permissions.roots.empty() ? "/" : permissions.roots.front(); }

const Commanded* commanded() { return given() ? &*given() : nullptr; }

std::optional<std::vector<std::string>> take_command() {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // nobody hears it any more when the server is gone
  const auto arguments = read_command(read_all(0));
  const int null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, 0);
  ::close(null);
  if (!arguments.ok()) {
    say(refusal(400, arguments.status().what()));
    return std::nullopt;
  }
  const std::string folder = given()->folder();
  if (::chdir(folder.c_str()) != 0) {
    say(refusal(500, system_error("enter", folder, errno).what()));
    return std::nullopt;
  }
  const Verdict verdict = judge(*arguments);
  say(verdict);
  if (verdict.refused != 0) return std::nullopt;
  return *arguments;
}

Status check_commanded_path(const std::string& path) {
  if (http::is_inside(std::filesystem::absolute(path), given()->permissions.roots)) return {};
  return outside(path);
}

Status SentFiles::none(const std::string& path) { return system_error("open", path, ENOENT); }

Result<std::string> SentFiles::read_file(const std::string& path) {
  const std::string relative = std::filesystem::path(path).lexically_relative(from_.folder()).string();
  for (const std::string& name : {path, relative}) {
    if (const std::string* text = from_.file(name)) return *text;
  }
  return none(path);
}

}  // namespace stream
