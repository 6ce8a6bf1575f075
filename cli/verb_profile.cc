#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "cli/command.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "supervisor/job_client.h"
#include "supervisor/profile/flame_svg.h"
#include "supervisor/profile_job.h"
#include "transport/base/files.h"
#include "transport/base/text.h"

namespace stream {
namespace {

Result<std::string> profiler() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return system_error("find", "this program", error.value());
  return self.parent_path().string() + "/" STREAM_PROFILER;
}

ProfileWish wish_of(const VerbValues& values) {
  ProfileWish wish;
  wish.stage = values.text("stage");
  if (values.has("instance")) wish.instance = static_cast<std::uint32_t>(values.integer("instance"));
  wish.duration = values.duration("for");
  wish.rate = static_cast<std::uint32_t>(values.integer("rate"));
  wish.states = values.flag("off-cpu") ? profile::States::kOffCpu : profile::States::kOnCpu;
  return wish;
}

// "3 instances, 1234 samples of running threads in 5s, looked at 492 times".
std::string told(const ProfileWish& wish, const Profile& profile) {
  const auto& summary = profile.summary;
  const char* threads = wish.states == profile::States::kOffCpu ? "waiting" : "running";
  std::string text = std::to_string(profile.instances) + (profile.instances == 1 ? " instance, " : " instances, ") +
                     std::to_string(summary.samples) + " samples of " + threads + " threads in " +
                     format_duration((summary.took_us + 50'000) / 100'000 * 100'000) + ", looked at " +
                     std::to_string(summary.rounds) + " times";
  if (summary.missed > 0) text += ", missed " + std::to_string(summary.missed);
  return text;
}

Status write_out(const std::string& text, const std::string& path) {
  if (!path.empty()) return system_files().write_file(path, text);
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return {};
  return system_error("write", "standard output", errno);
}

std::string folded_text(const Profile& profile) {
  std::string text;
  for (const std::string& line : profile.tree.folded()) text += line + "\n";
  return text;
}

int run(const VerbValues& values) {
  const std::string& path = values.text("output");
  if (path.empty() && !values.flag("folded") && ::isatty(STDOUT_FILENO) != 0)
    return fail("profile", usage_error("standard output is a terminal, which shows no picture; give '--output "
                                       "FILE.svg', or '--folded' for text"));
  const auto job = find_job(values.text("job"));
  if (!job.ok()) return fail("profile", job.status());
  const auto program = profiler();
  if (!program.ok()) return fail("profile", program.status());
  const ProfileWish wish = wish_of(values);
  const auto profile = profile_job(*job, wish, *program);
  if (!profile.ok()) return fail("profile", profile.status());
  const std::string how = told(wish, *profile);
  const std::string text = values.flag("folded")
                               ? folded_text(*profile)
                               : profile::flame_svg(profile->tree, {job->job + ": " + wish.stage, how});
  if (const Status written = write_out(text, path); !written.ok()) return fail("profile", written);
  std::fprintf(stderr, "stream profile: %s\n", how.c_str());
  return kDone;
}

constexpr VerbOption kOptions[] = {
    {.name = "job",
     .arg = "JOB",
     .doc = "Name or unique id prefix of the job.",
     .kind = ValueKind::kRunningJob,
     .positional = true,
     .required = true},
    {.name = "stage",
     .arg = "STAGE",
     .doc = "Whose processes are looked at.",
     .kind = ValueKind::kStageOfJob,
     .positional = true,
     .required = true},
    {.name = "for", .arg = "DURATION", .doc = "How long.", .kind = ValueKind::kDuration, .fallback = "5s"},
    {.name = "instance",
     .arg = "N",
     .doc = "Only this instance, from 0.",
     .kind = ValueKind::kInteger,
     .least = 0,
     .most = 1'000'000},
    {.name = "rate",
     .arg = "N",
     .doc = "How often in a second.",
     .kind = ValueKind::kInteger,
     .fallback = "99",
     .least = 1,
     .most = 1000},
    {.name = "off-cpu", .doc = "What threads wait for, in place of what they do.", .kind = ValueKind::kFlag},
    {.name = "output",
     .arg = "FILE.svg",
     .doc = "Write to this file, not to standard output.",
     .kind = ValueKind::kPath},
    {.name = "folded",
     .doc = "Print stacks as text, 'errors.0;stream-filter;main;… 12', a line each, in place of a picture.",
     .kind = ValueKind::kFlag},
};

constexpr VerbExample kExamples[] = {
    {"stream profile web-errors per-minute --output per-minute.svg", "Draws what a stage spends its time with."},
    {"stream profile --for 2s --folded web-errors per-minute | sort -t ' ' -k 2 -n | tail -5",
     "Prints where it is most often."},
    {"stream profile --off-cpu --instance 0 web-errors errors > waits.svg", "Draws what one instance waits for."},
};

}  // namespace

const VerbTable kProfileVerb = {
    .description =
        "Finds out what the processes of a stage spend their time with: looks at the stack of each of their threads "
        "many times a second, and draws a flame graph, or prints the stacks. A function is as wide as its share of all "
        "samples, and stands on the one that has called it; below all are instance and thread. In a browser, a click "
        "enlarges a part, '/' searches.\n\n"
        "The job goes on: a thread that runs stands still for some ten microseconds when it is looked at, and one that "
        "waits is not touched again until it waits elsewhere. Nothing has to be built or started for it. Names are "
        "those of the symbols the programs and libraries have; '[libc.so.6]' is a function without one. Stages in "
        "other languages can be looked at as well, and show their interpreter.\n\n"
        "The processes are read as a debugger does it: they must be of the same user, and the kernel must permit "
        "that to begin with, as most do.",
    .options = kOptions,
    .examples = kExamples,
    .run = run,
};

}  // namespace stream
