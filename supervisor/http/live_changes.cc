#include "supervisor/http/live_changes.h"

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "supervisor/child.h"
#include "supervisor/job_client.h"
#include "supervisor/stage_folders.h"
#include "transport/base/files.h"
#include "transport/base/text.h"

namespace stream::http {
namespace {

constexpr Microseconds kStartPatience = 600'000'000;  // state may be large
constexpr Microseconds kUpgradePatience = 3'600'000'000;
constexpr Microseconds kQuestionPatience = 20'000'000;
constexpr std::size_t kAnswerMax = 8U << 20;  // bytes

Json wish(const char* verb, const std::string& to) {
  Json request = {{"verb", verb}};
  if (!to.empty()) request["to"] = to;
  return request;
}

// Stages are beside the verb, not beside this program.
std::vector<std::string> folders_of(const std::string& program) {
  std::vector<std::string> folders = stage_folders();
  folders.front() = std::filesystem::path(program).parent_path().string();
  return folders;
}

// The verb read a line more than was sent.
std::string with_own_lines(const std::string& text) {
  constexpr std::string_view kPlace = "standard input:";
  std::string out;
  for (const std::string& line : split(text, '\n')) {
    if (line.empty()) continue;
    const std::size_t colon = line.find(':', kPlace.size());
    const auto number = line.starts_with(kPlace) && colon != std::string::npos
                            ? parse_integer(line.substr(kPlace.size(), colon - kPlace.size()))
                            : Result<std::int64_t>(std::int64_t{0});
    const bool placed = number.ok() && *number > 1;
    out += (out.empty() ? "" : "\n") + (placed ? "manifest:" + std::to_string(*number - 1) + line.substr(colon) : line);
  }
  return out;
}

}  // namespace

Status LiveChanges::check_place(const std::string& path) {
  if (!path.starts_with('/')) return usage_error("'" + path + "' is no absolute path");
  if (is_inside(path, permissions_.roots)) return {};
  return usage_error("'" + path + "' is not inside a folder that this server was given with --root" +
                     (permissions_.roots.empty() ? ", which are none" : "") +
                     "; leave it out, and the savepoint is made in the job's own");
}

Result<std::string> LiveChanges::savepoint(const std::string& job, const std::string& to) {
  STREAM_ASSIGN(const Json answer, ask_job(job_paths(job), wish("savepoint", to), kNoLimit));
  return answer.value("path", "");
}

Result<std::string> LiveChanges::stop(const std::string& job, const std::string& to, bool drain) {
  Json request = wish("stop", to);
  request["drain"] = drain;
  STREAM_ASSIGN(const Json answer, ask_job(job_paths(job), request, kNoLimit));
  STREAM_TRY(wait_until_over(job_paths(job)));
  const std::string state = answer.value("state", "");
  std::string path = answer.value("path", "");
  if (state == "STOPPED" && !path.empty()) return path;
  return failed("job '" + job + "' is " + state + ", without a savepoint: " + answer.value("reason", ""));
}

Result<std::uint64_t> LiveChanges::checkpoint(const std::string& job) {
  STREAM_ASSIGN(const Json answer, ask_job(job_paths(job), {{"verb", "checkpoint"}}, kNoLimit));
  return answer.value("epoch", std::uint64_t{0});
}

Status LiveChanges::cancel(const std::string& job) { return cancel_job(job_paths(job)); }

Status LiveChanges::rescale(const std::string& job, const std::map<std::string, WantedInstances>& wanted) {
  Json request = {{"verb", "rescale"}, {"stages", Json::array()}};
  for (const auto& [stage, number] : wanted) {
    Json wish = {{"stage", stage}};
    if (number.least == 0)
      wish["parallelism"] = number.most;
    else
      wish.update({{"min", number.least}, {"max", number.most}});
    request["stages"].push_back(std::move(wish));
  }
  return ask_job(job_paths(job), request, kNoLimit).status();
}

Status LiveChanges::dispose(const std::string& path) {
  return ask_child(program_, {"savepoint", "--delete", path}, "", kStartPatience).status();
}

Status LiveChanges::resume(const std::string& job) {
  if (shared_ != nullptr) {
    STREAM_ASSIGN(const StandbyKeeper::Known known, shared_->known(job));
    const Submission submission{.text = known.manifest};
    const auto begin = [&](const Names& names) { return run_shared({"run", "-d", "-"}, submission, names); };
    if (known.led) return checked(submission, begin).status();
  }
  return ask_child(program_, {"resume", job}, "", kStartPatience).status();
}

std::optional<SharedJob> LiveChanges::in_common(const std::string& wanted) {
  return shared_ == nullptr ? std::nullopt : shared_->find(wanted);
}

namespace {

std::vector<std::string> options_of(const Submission& submission) {
  std::vector<std::string> args;
  if (!submission.name.empty()) args.insert(args.end(), {"--name", submission.name});
  for (const auto& [name, value] : submission.parameters) args.insert(args.end(), {"-p", name + "=" + value});
  return args;
}

// A remark in front, so that the verb takes it for a manifest whatever it begins with: it was looked at as one.
std::string input_of(const Submission& submission) { return "#\n" + submission.text; }

// What a verb said last, without its own name: "stream state: fatal: why".
std::string why_of(const Finished& done) {
  std::string_view text = trim(done.err);
  text = text.substr(text.rfind('\n') + 1);
  const std::size_t mark = text.find(": fatal: ");
  return std::string(mark == std::string_view::npos ? text : text.substr(mark + 9));
}

Status status_of(const Finished& done) {
  if (done.signal == 0 && done.exit_code == 0) return {};
  if (done.signal != 0) return failed("the command was killed by signal " + std::to_string(done.signal));
  return done.exit_code == 100 ? usage_error(why_of(done)) : failed(why_of(done));
}

}  // namespace

Status LiveChanges::run(std::vector<std::string> args, const Submission& submission) const {
  for (std::string& option : options_of(submission)) args.push_back(std::move(option));
  STREAM_ASSIGN(const Finished done, run_child(program_, args, input_of(submission), kStartPatience));
  if (done.signal == 0 && done.exit_code == 0) return {};
  const std::string why = with_own_lines(done.err);
  return done.exit_code == 100 || args[0] == "check" ? usage_error(why) : failed(why);
}

Result<LiveChanges::Names> LiveChanges::checked(const Submission& submission,
                                                const std::function<Status(const Names&)>& then) {
  if (!room_.try_acquire_for(std::chrono::seconds(5)))
    return Status(Code::kInterrupted, "other manifests are being looked at or started; try again in a moment");
  FolderCatalogue catalogue(folders_of(program_), cache_folder(), system_files());
  auto names = check_submission(submission, permissions_, catalogue, system_files());
  const Status done = names.ok() ? then(*names) : Status();
  room_.release();
  if (!done.ok()) return done;
  return names;
}

Result<std::vector<std::string>> LiveChanges::submit(const Submission& submission) {
  std::vector<std::string> args = {"run", "-d", "-"};
  if (!submission.from.empty()) {
    STREAM_TRY(check_savepoint_place(submission.from, permissions_));
    args.insert(args.end(), {"--from", submission.from});
    if (submission.drop_state) args.emplace_back("--allow-non-restored-state");
  }
  return checked(submission, [&](const Names& names) {
    return shared_ == nullptr ? run(args, submission) : run_shared(args, submission, names);
  });
}

Status LiveChanges::run_shared(std::vector<std::string> args, const Submission& submission, const Names& names) {
  if (names.size() != 1) return usage_error("with --ha one pipeline is sent at a time, and these are several");
  const std::string& job = submission.name.empty() ? names.front() : submission.name;
  STREAM_TRY(shared_->add(job));
  for (std::string& option : shared_->options()) args.push_back(std::move(option));
  const Status begun = run(std::move(args), submission);
  if (!begun.ok()) shared_->strike_unless_led(job);
  return begun;
}

Status LiveChanges::stand_by(const std::string& manifest) {
  std::vector<std::string> args = {"run", "-d", "-", "--standby"};
  for (std::string& option : shared_->options()) args.push_back(std::move(option));
  const Submission submission{.text = manifest};
  return checked(submission, [&](const Names&) { return run(args, submission); }).status();
}

Status LiveChanges::validate(const Submission& submission) {
  return checked(submission, [&](const Names&) { return run({"check", "-"}, submission); }).status();
}

Status LiveChanges::check_upgrade(const std::string& job, const Submission& submission) {
  STREAM_ASSIGN(const auto names, checked(submission, [](const Names&) { return Status(); }));
  if (names.size() == 1 && names.front() == job) return {};
  return usage_error("the manifest is to be another version of '" + job + "', and of nothing else");
}

Result<Json> LiveChanges::upgrade(const std::string& job, const Submission& submission, const UpgradeOptions& options) {
  std::vector<std::string> args = {"upgrade", job, "-", "--json"};
  for (const auto& [name, value] : submission.parameters) args.insert(args.end(), {"-p", name + "=" + value});
  if (!options.trial.empty()) args.insert(args.end(), {"--trial", options.trial});
  if (!options.timeout.empty()) args.insert(args.end(), {"--timeout", options.timeout});
  if (!options.label.empty()) args.insert(args.end(), {"--label", options.label});
  if (options.drop_state) args.emplace_back("--allow-non-restored-state");
  STREAM_ASSIGN(const Finished done, run_child(program_, args, input_of(submission), kUpgradePatience));
  Json answer = Json::parse(done.out, nullptr, false);
  if (answer.is_object()) return answer;  // upgraded or not
  const Status status = status_of(done);
  return status.ok() ? failed("the upgrade has told nothing of itself") : status;
}

Result<Json> LiveChanges::state_tables(const std::string& job) {
  STREAM_ASSIGN(const std::string text, ask({"state", "show", job, "--json", "--largest", "5"}));
  Json tables = Json::array();
  for (const std::string& line : split(text, '\n')) {
    Json table = Json::parse(line, nullptr, false);
    if (table.is_object()) tables.push_back(std::move(table));
  }
  return tables;
}

Result<Json> LiveChanges::query_state(const std::string& job, const StateQuestion& question) {
  // One row more than are wanted tells whether there are more.
  std::vector<std::string> args = {"state", "query", "--lists", "--limit", std::to_string(question.limit + 1)};
  if (question.live) args.emplace_back("--live");
  args.insert(args.end(), {"--", job, question.sql});
  STREAM_ASSIGN(const std::string text, ask(args));
  const std::vector<std::string> lines = split(text, '\n');
  Json answer = Json::parse(lines.front(), nullptr, false);
  if (!answer.is_object()) return failed("the answer has no columns");
  answer["rows"] = Json::array();
  for (std::size_t i = 1; i < lines.size(); ++i) {
    Json row = Json::parse(lines[i], nullptr, false);
    if (row.is_array()) answer["rows"].push_back(std::move(row));
  }
  return answer;
}

// A process of its own: what a question takes of time and memory is not the server's.
Result<std::string> LiveChanges::ask(const std::vector<std::string>& args) {
  if (!questions_.try_acquire_for(std::chrono::seconds(5)))
    return Status(Code::kInterrupted, "other questions are being answered; try again in a moment");
  auto done = run_child(program_, args, "", kQuestionPatience);
  questions_.release();
  if (!done.ok()) {
    if (done.status().code() != Code::kFailed) return std::move(done).status();
    return usage_error("the answer took more than " + format_duration(kQuestionPatience) +
                       ", or was too large; ask for less");
  }
  STREAM_TRY(status_of(*done));
  if (done->out.size() > kAnswerMax)
    return usage_error("the answer is larger than " + format_size(kAnswerMax) +
                       ", the most that is sent; ask for less");
  return std::move(done->out);
}

}  // namespace stream::http
