#include "supervisor/slurm/script.h"

#include <algorithm>

#include "transport/base/text.h"

namespace stream::slurm {
namespace {

constexpr std::uint64_t kMebibyte = 1U << 20;
constexpr std::uint64_t kSupervisorBytes = 256 * kMebibyte;  // and the agent

// Where instances are spread over as few nodes as there may be; those that come with more nodes over all.
std::uint32_t instances_a_node(const Batch& batch) {
  const auto a_node = [](std::uint32_t instances, std::uint32_t nodes) { return (instances + nodes - 1) / nodes; };
  return std::max({1U, a_node(batch.instances, batch.asked.nodes_least),
                   a_node(batch.instances + batch.instances_more, batch.asked.nodes_most)});
}

std::string asked(const Batch& batch) {
  const SlurmSpec& spec = batch.asked;
  std::vector<std::string> options = {"--job-name=" + batch_name(batch.job)};
  const std::string least = std::to_string(spec.nodes_least);
  options.push_back("--nodes=" +
                    (spec.nodes_least == spec.nodes_most ? least : least + "-" + std::to_string(spec.nodes_most)));
  options.emplace_back("--ntasks-per-node=1");
  options.push_back("--cpus-per-task=" + std::to_string(spec.cpus != 0 ? spec.cpus : instances_a_node(batch)));
  const std::uint64_t memory =
      spec.memory_bytes != 0 ? spec.memory_bytes : instances_a_node(batch) * batch.memory_bytes + kSupervisorBytes;
  options.push_back("--mem=" + std::to_string((memory + kMebibyte - 1) / kMebibyte) + "M");
  if (!spec.partition.empty()) options.push_back("--partition=" + spec.partition);
  if (!spec.account.empty()) options.push_back("--account=" + spec.account);
  if (spec.time != 0) options.push_back("--time=" + time_text(spec.time));
  options.push_back("--signal=B:USR1@" + std::to_string(spec.grace / 1'000'000));
  options.insert(options.end(), {"--requeue", "--no-kill", "--dependency=singleton", "--open-mode=append",
                                 "--output=" + batch.output});
  options.insert(options.end(), spec.options.begin(), spec.options.end());
  std::string text;
  for (const std::string& option : options) text += "#SBATCH " + option + "\n";
  return text;
}

std::string at_limit(const Batch& batch) {
  const std::string program = shell_quoted(batch.program);
  std::string text = "# Slurm says when the time limit is near: a savepoint, and the end" +
                     std::string(batch.asked.requeue_at_limit ? " of this turn; the next goes on from it.\n" : ".\n") +
                     "at_limit() {\n"
                     "  echo \"" +
                     batch.job +
                     ": the time limit of Slurm job $SLURM_JOB_ID is near: stops with a savepoint\" >&2\n"
                     "  " +
                     program + " stop " + batch.job + " || return\n";
  if (batch.asked.requeue_at_limit)
    text += "  echo \"" + batch.job + ": waits in the queue to go on\" >&2\n  scontrol requeue \"$SLURM_JOB_ID\"\n";
  return text + "}\ntrap at_limit USR1\n";
}

// Slurm requeues no job by itself that is told to outlive lost nodes. Where the first is lost nobody is left to ask it
// for that but the others.
constexpr char kGuard[] =
    R"(# Slurm leaves it to the job what is to be done about a lost node. Where it is this one, others have the job requeued.
if [ "$SLURM_JOB_NUM_NODES" -gt 1 ]; then
  guards=$((SLURM_JOB_NUM_NODES > 3 ? 3 : SLURM_JOB_NUM_NODES - 1))
  srun --quiet --overlap --mem=0 --no-kill --exclude="$SLURMD_NODENAME" --nodes=$guards --ntasks=$guards \
    --job-name=stream-guard bash -c '
      while sleep 5; do
        nodes=$(squeue --noheader --job="$SLURM_JOB_ID" --format=%N 2> /dev/null) && [ -n "$nodes" ] || continue
        scontrol show hostnames "$nodes" | grep --quiet --line-regexp "$0" || exec scontrol requeue "$SLURM_JOB_ID"
      done' "$SLURMD_NODENAME" < /dev/null > /dev/null 2>&1 &
fi

)";

}  // namespace

std::string batch_name(const std::string& job) { return "stream-" + job; }
std::string more_name(const std::string& job, const std::string& number) { return batch_name(job) + "-more-" + number; }

std::string time_text(Microseconds time) {
  const long long seconds = (time + 999'999) / 1'000'000;
  char text[48];
  std::snprintf(text, sizeof text, "%lld-%02lld:%02lld:%02lld", seconds / 86'400, seconds / 3'600 % 24,
                seconds / 60 % 60, seconds % 60);
  return text;
}

std::string script(const Batch& batch) {
  std::string command = shell_quoted(batch.program);
  for (const std::string& word : batch.run) command += " " + shell_quoted(word);
  std::string text = "#!/bin/bash\n# Made by 'stream deploy --on slurm': see stream-slurm(7).\n" + asked(batch) + "\n";
  text +=
      "# What the supervisor keeps for itself; of the job all is in the folder of its checkpoints.\n"
      "export STREAM_HOME=" +
      shell_quoted(batch.home) +
      "/\"$SLURMD_NODENAME\"\n"
      "export SRUN_CPUS_PER_TASK=\"$SLURM_CPUS_PER_TASK\"\n\n";
  const std::string leaders = shell_quoted(batch.leaders);
  text += "# In it is written which supervisor leads: one at a time.\n[ -d " + leaders + " ] || mkdir " +
          (batch.leaders_at_home ? "-p " : "") + leaders + "\n\n";
  text += at_limit(batch) + "trap : TERM  # which the supervisor gets as well: it ends in order\n\n" + kGuard;
  // Of a supervisor that was killed while it waited for more nodes.
  const bool more = batch.asked.nodes_most > batch.asked.nodes_least;
  const std::string leave_queue = "scancel --quiet --me --name=" + more_name(batch.job, "\"$SLURM_JOB_ID\"") + "\n";
  if (batch.fresh) text += "fresh=\n[ \"${SLURM_RESTART_COUNT:-0}\" = 0 ] && fresh=--fresh\n";
  text +=
      "# The supervisor. It starts a step on each node, and its instances there. Who is killed goes on.\n"
      "code=128\n"
      "while [ \"$code\" -ge 128 ]; do\n" +
      (more ? "  " + leave_queue : "") + "  " + command + (batch.fresh ? " $fresh" : "") +
      " &\n"
      "  supervisor=$!\n" +
      (batch.fresh ? "  fresh=\n" : "") +
      "  while kill -0 \"$supervisor\" 2> /dev/null; do wait \"$supervisor\"; done\n"
      "  wait \"$supervisor\"\n"
      "  code=$?\n"
      "done\n" +
      (more ? leave_queue : "") + "exit \"$code\"\n";
  return text;
}

}  // namespace stream::slurm
