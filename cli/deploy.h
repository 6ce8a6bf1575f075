// Where `stream deploy` can bring a pipeline: one table.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/verb_values.h"

namespace stream {

struct DeployTarget {
  std::string_view name;  // of --on
  std::string_view doc;   // a sentence
  int (*deploy)(const VerbValues& values);
};

int deploy_on_flink(const VerbValues& values);
int deploy_on_kubernetes(const VerbValues& values);
int deploy_on_slurm(const VerbValues& values);
int deploy_on_systemd(const VerbValues& values);
int deploy_on_yarn(const VerbValues& values);

// --- what those share that run our own programs --------------------------------------------------

Result<std::string> this_program();  // its path
// Errors: kUsage for anything but a manifest in a file.
Status check_manifest(const VerbValues& values, const std::string& target);
// The arguments of `stream` that run the job with what the verb was given.
std::vector<std::string> run_words(const VerbValues& values, const std::string& job);

}  // namespace stream
