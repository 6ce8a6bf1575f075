#include "cli/candidates.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "cli/remote_candidates.h"
#include "cli/savepoint_refs.h"
#include "cli/verb.h"
#include "supervisor/job_client.h"
#include "supervisor/stage_folders.h"
#include "transport/base/text.h"

namespace stream {
namespace {

struct Candidate {
  std::string text;
  std::string about = {};
};
using Candidates = std::vector<Candidate>;

// How far the words have come, read as the parser would.
struct Line {
  const VerbOption* awaiting = nullptr;   // the word being typed is the value of this option
  std::size_t positionals = 0;            // complete ones
  bool only_positionals = false;          // behind --
  std::set<std::string_view> given = {};  // names of options
  std::string job = {};                   // the JOB argument
  std::vector<std::string> server = {};   // options that say which, as --server=URL
};

std::string flag_of(const VerbOption& option) { return "--" + std::string(option.name); }

const VerbOption* option_of(const Verb& verb, std::string_view word) {
  if (word.starts_with("--")) return find_option(verb, word.substr(2, word.find('=') - 2));
  if (word.size() < 2 || word[0] != '-') return nullptr;
  for (const VerbOption& option : verb.table->options) {
    if (option.letter == word.back()) return &option;  // -fd VALUE: the last letter takes it
  }
  return nullptr;
}

const VerbOption* positional_at(const Verb& verb, std::size_t index) {
  for (const VerbOption& option : verb.table->options) {
    if (option.positional && index-- == 0) return &option;
  }
  return nullptr;
}

bool names_job(ValueKind kind) {
  return kind == ValueKind::kJob || kind == ValueKind::kRunningJob || kind == ValueKind::kIdleJob;
}

bool names_server(const VerbOption& option) {
  return option.name == "server" || option.name == "token-file" || option.name == "ca-file";
}

Line read(const Verb& verb, std::span<const std::string> complete) {
  Line line;
  for (const std::string& word : complete) {
    if (line.awaiting != nullptr) {
      if (names_server(*line.awaiting)) line.server.push_back(flag_of(*line.awaiting) + "=" + word);
      line.awaiting = nullptr;
    } else if (word == "--") {
      line.only_positionals = true;
    } else if (word.starts_with("-") && word != "-" && !line.only_positionals) {
      const VerbOption* option = option_of(verb, word);
      if (option == nullptr) continue;
      line.given.insert(option->name);
      const bool with_value = word.starts_with("--") && word.find('=') != std::string::npos;
      if (with_value && names_server(*option)) line.server.push_back(word);
      if (option->kind != ValueKind::kFlag && !with_value) line.awaiting = option;
    } else {
      const VerbOption* positional = positional_at(verb, line.positionals++);
      if (positional != nullptr && names_job(positional->kind)) line.job = word;
    }
  }
  return line;
}

std::map<std::string, bool> known_jobs(const Line& line) {
  std::map<std::string, bool> runs;
  if (!completes_remotely(line.server)) {
    for (const std::string& job : list_jobs()) runs[job] = JobLock::runs(job_paths(job));
    return runs;
  }
  for (const auto& job : remote_lines({"ps", "--all"}, line.server))
    runs[job.value("job", "")] = job.contains("supervisor_pid") && !job["supervisor_pid"].is_null();
  return runs;
}

Candidates jobs(ValueKind kind, const Line& line) {
  Candidates out;
  for (const auto& [job, runs] : known_jobs(line)) {
    if ((kind == ValueKind::kRunningJob && !runs) || (kind == ValueKind::kIdleJob && runs)) continue;
    out.push_back({job, runs ? "runs" : "does not run"});
  }
  return out;
}

// JOB@N, JOB@LABEL and JOB@latest.
std::vector<std::string> remote_references(const Line& line) {
  std::vector<std::string> out;
  for (const auto& savepoint : remote_lines({"savepoint", "--list"}, line.server)) {
    if (!savepoint.value("there", false)) continue;
    const std::string job = savepoint.value("job", "");
    for (const std::string& word : {std::to_string(savepoint.value("epoch", std::uint64_t{0})),
                                    savepoint.value("label", ""), std::string("latest")}) {
      const std::string reference = job + "@" + word;
      if (!word.empty() && std::ranges::find(out, reference) == out.end()) out.push_back(reference);
    }
  }
  return out;
}

Candidates references(const Line& line) {
  Candidates out;
  if (completes_remotely(line.server)) {
    for (const std::string& reference : remote_references(line)) out.push_back({reference, "savepoint"});
    return out;
  }
  for (const std::string& job : list_jobs()) {
    for (const std::string& reference : savepoint_references(job)) out.push_back({reference, "savepoint"});
  }
  out.push_back({":path"});
  return out;
}

Candidates stages_of(const Line& line) {
  Candidates out;
  if (completes_remotely(line.server)) {
    for (const auto& job : remote_lines({"show", line.job}, line.server)) {
      for (const auto& stage : job.value("stages", nlohmann::json::array()))
        out.push_back({stage.value("stage", ""), "stage"});
    }
    return out;
  }
  const auto job = find_job(line.job);
  if (!job.ok()) return out;
  const auto names = stages_of_job(*job);
  for (const std::string& name : names.ok() ? *names : std::vector<std::string>()) out.push_back({name, "stage"});
  return out;
}

Candidates stage_programs() {
  Candidates out;
  FolderCatalogue catalogue(stage_folders(), cache_folder(), system_files());
  for (const std::string& name : catalogue.names()) {
    const auto info = catalogue.find(name);
    out.push_back({name, info.ok() && *info != nullptr ? (*info)->summary : ""});
  }
  return out;
}

// Of a group its name alone, once.
Candidates verb_names() {
  Candidates out;
  for (const Verb& verb : verbs()) {
    const std::string first(verb.name.substr(0, verb.name.find(' ')));
    if (first == verb.name)
      out.push_back({first, std::string(verb.summary)});
    else if (out.empty() || out.back().text != first)
      out.push_back({first});
  }
  return out;
}

Candidates names_in(std::string_view group) {
  Candidates out;
  for (const Verb* verb : verbs_of_group(group))
    out.push_back({std::string(verb->name.substr(group.size() + 1)), std::string(verb->summary)});
  return out;
}

Candidates values_of(const VerbOption& option, const Line& line) {
  Candidates out;
  switch (option.kind) {
    case ValueKind::kChoice:
      for (const std::string& choice : split(option.choices, '|')) out.push_back({choice});
      return out;
    case ValueKind::kPath: return {{":path"}};
    case ValueKind::kPipeline: return {{":manifest"}};
    case ValueKind::kJob:
    case ValueKind::kRunningJob:
    case ValueKind::kIdleJob: return jobs(option.kind, line);
    case ValueKind::kReference: return references(line);
    case ValueKind::kStageOfJob: return stages_of(line);
    case ValueKind::kStageProgram: return stage_programs();
    case ValueKind::kVerb: return verb_names();
    case ValueKind::kText:
    case ValueKind::kFlag:
    case ValueKind::kInteger:
    case ValueKind::kDuration: return out;
  }
  return out;
}

Candidates options_left(const Verb& verb, const Line& line) {
  Candidates out;
  for (const std::span<const VerbOption> options : {verb.table->options, common_verb_options()}) {
    for (const VerbOption& option : options) {
      const bool excluded = !option.excludes.empty() && line.given.contains(option.excludes);
      const bool used = !option.repeated && line.given.contains(option.name);
      if (!option.positional && !used && !excluded) out.push_back({flag_of(option), std::string(option.doc)});
    }
  }
  return out;
}

// --option=VALUE
Candidates joined(const Verb& verb, const std::string& word, const Line& line) {
  const VerbOption* option = option_of(verb, word);
  if (option == nullptr) return {};
  Candidates out = values_of(*option, line);
  for (Candidate& candidate : out) {
    if (!candidate.text.starts_with(":")) candidate.text = flag_of(*option) + "=" + candidate.text;
  }
  return out;
}

Candidates behind_verb(const Verb& verb, std::span<const std::string> words) {
  const Line line = read(verb, words.first(words.size() - 1));
  const std::string& word = words.back();
  if (line.awaiting != nullptr) return values_of(*line.awaiting, line);
  if (word.starts_with("-") && !line.only_positionals) {
    return word.find('=') == std::string::npos ? options_left(verb, line) : joined(verb, word, line);
  }
  const VerbOption* positional = positional_at(verb, line.positionals);
  return positional == nullptr ? options_left(verb, line) : values_of(*positional, line);
}

Candidates all(std::span<const std::string> words) {
  if (words.empty()) return {};
  if (words.size() > 1) {
    const FoundVerb found = find_verb(words.first(words.size() - 1));
    if (found.verb != nullptr) return behind_verb(*found.verb, words.subspan(found.words));
    return words.size() == 2 ? names_in(words[0]) : Candidates();
  }
  if (words[0].starts_with("-")) return {{"--help"}, {"--man"}, {"--version"}};
  return verb_names();
}

}  // namespace

std::string candidates_text(std::span<const std::string> words) {
  std::string text;
  for (const Candidate& candidate : all(words)) {
    if (!candidate.text.starts_with(":") && !candidate.text.starts_with(words.back())) continue;
    text += candidate.text + (candidate.about.empty() ? "" : "\t" + candidate.about) + "\n";
  }
  return text;
}

}  // namespace stream
