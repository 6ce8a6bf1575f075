#include "supervisor/http/savepoints.h"

#include <algorithm>

#include "supervisor/http/facts.h"
#include "transport/base/text.h"

namespace stream::http {
namespace {

struct Listed {
  std::int64_t epoch = 0;
  std::string label;
  std::string path;
};

std::vector<Listed> listed(const Json& savepoints) {
  std::vector<Listed> out;
  for (const Json& one : savepoints)
    out.push_back({number_of(one, "epoch"), text_of(one, "label"), text_of(one, "path")});
  std::ranges::stable_sort(out, {}, &Listed::epoch);
  return out;
}

bool is_packed(const Listed& one) { return one.path.ends_with(".tar.zst"); }

const Listed* choose(const std::vector<Listed>& all, const std::string& which) {
  const Listed* found = nullptr;
  for (const Listed& one : all) {
    const bool named = which == std::to_string(one.epoch) || (!which.empty() && which == one.label);
    if (!named && !(which == "latest" && one.epoch == all.back().epoch)) continue;
    if (found == nullptr || is_packed(one)) found = &one;
  }
  return found;
}

Status none_such(const std::string& job, const std::string& which, const std::vector<Listed>& all) {
  const std::string begin = "job '" + job + "' has no savepoint '" + which + "'";
  if (all.empty()) return {Code::kNotFound, begin + "; it has none"};
  std::vector<std::string> words;
  for (const Listed& one : all) {
    for (const std::string& word : {std::to_string(one.epoch), one.label}) {
      if (!word.empty() && std::ranges::find(words, word) == words.end()) words.push_back(word);
    }
  }
  return {Code::kNotFound, begin + did_you_mean(which, words) + "; it has " + join(words, ", ")};
}

}  // namespace

Result<FoundSavepoint> find_savepoint(Jobs& jobs, const std::string& job, const std::string& which) {
  STREAM_ASSIGN(const SharedJson savepoints, jobs.list(job, "savepoints"));
  const std::vector<Listed> all = listed(*savepoints);
  const Listed* found = choose(all, which);
  if (found == nullptr) return none_such(job, which, all);
  return FoundSavepoint{found->epoch, found->path};
}

Result<std::string> resolve_savepoint(Jobs& jobs, const std::string& reference) {
  if (reference.starts_with('/')) return reference;
  const std::size_t at = reference.rfind('@');
  if (at == std::string::npos) {
    return usage_error("'" + reference + "' names no savepoint; give JOB@N, JOB@LABEL, JOB@latest or an absolute path");
  }
  const std::string job = reference.substr(0, at);
  const std::vector<std::string> names = jobs.names();
  if (std::ranges::find(names, job) == names.end())
    return Status(Code::kNotFound, "there is no job '" + job + "'" + did_you_mean(job, names) + "; /jobs lists all");
  STREAM_ASSIGN(FoundSavepoint found, find_savepoint(jobs, job, reference.substr(at + 1)));
  return std::move(found.path);
}

}  // namespace stream::http
