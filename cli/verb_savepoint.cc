// The verb that makes savepoints, lists, packs and deletes them.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/job_client.h"
#include "cli/savepoint_refs.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "snapshot/archive/open_savepoint.h"
#include "snapshot/archive/pack.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::json;

int list_savepoints(const std::string& name, bool as_json) {
  const auto job = find_job(name);
  if (!job.ok()) return fail("savepoint", job.status());
  const auto list = list_of_job(*job, "savepoints");
  if (!list.ok()) return fail("savepoint", list.status());
  Table table({">EPOCH", "CREATED", "LABEL", "PATH"});
  for (const json& s : *list) {
    if (as_json) std::printf("%s\n", s.dump().c_str());
    table.add({std::to_string(s["epoch"].get<std::uint64_t>()), local_time(s["created_us"].get<Microseconds>()),
               s["label"].get<std::string>(), s["path"].get<std::string>()});
  }
  if (!as_json) std::fputs(table.text().c_str(), stdout);
  return kDone;
}

// The job it was made of, if there still is one, lists it no longer.
Status forget_savepoint(const JobPaths& job, const std::string& path) {
  if (JobLock::runs(job)) return ask_job(job, {{"verb", "forget-savepoint"}, {"path", path}}, kQuickAnswer).status();
  std::optional<JobLock> lock;
  STREAM_ASSIGN(const auto store, open_store(job, &lock));
  return store->forget_savepoint(path);
}

Status remove_savepoint(const std::string& reference) {
  STREAM_ASSIGN(const std::string path, resolve_savepoint(reference));
  STREAM_ASSIGN(const CheckpointIndex index, delete_any_savepoint(system_files(), path, unpacked_root()));
  const std::vector<std::string> jobs = list_jobs();
  if (std::ranges::find(jobs, index.job) == jobs.end()) return {};
  return forget_savepoint(job_paths(index.job), path);
}

std::string absolute(const std::string& path) { return std::filesystem::absolute(path).lexically_normal().string(); }

// Where a copy in another form goes: beside the savepoint, unless that is said.
std::string target_of(const VerbValues& values, const std::string& path, bool pack) {
  if (values.has("to")) return absolute(values.text("to"));
  if (pack) return path + std::string(kArchiveSuffix);
  return path.ends_with(kArchiveSuffix) ? path.substr(0, path.size() - kArchiveSuffix.size()) : path + ".unpacked";
}

Result<std::string> convert(const VerbValues& values, bool pack) {
  STREAM_ASSIGN(const std::string path, resolve_savepoint(values.text(pack ? "pack" : "unpack")));
  const std::string target = target_of(values, path, pack);
  if (is_archive(path) == pack) return usage_error("'" + path + "' is " + (pack ? "an archive already" : "no archive"));
  STREAM_TRY(pack ? pack_savepoint(system_files(), path, target)
                  : unpack_savepoint(system_files(), path, target).status());
  return target;
}

int print_converted(const VerbValues& values, bool pack) {
  const auto target = convert(values, pack);
  if (!target.ok()) return fail("savepoint", target.status());
  if (values.flag("json"))
    std::printf("%s\n", json{{"path", *target}}.dump().c_str());
  else
    std::printf("%s\n", target->c_str());
  return kDone;
}

int make_savepoint(const VerbValues& values) {
  if (const Status label = check_label(values.text("label")); !label.ok()) return fail("savepoint", label);
  const auto job = find_job(values.text("job"));
  if (!job.ok()) return fail("savepoint", job.status());
  json request = {{"verb", "savepoint"},
                  {"label", values.text("label")},
                  {"single_file", values.flag("single-file")},
                  {"archive", values.flag("archive")}};
  if (values.has("to")) request["to"] = absolute(values.text("to"));
  const auto answer = ask_job(*job, request, kNoLimit);
  if (!answer.ok()) return fail("savepoint", answer.status());
  if (values.flag("json"))
    std::printf("%s\n", json{{"path", (*answer)["path"]}, {"epoch", (*answer)["epoch"]}}.dump().c_str());
  else
    std::printf("%s\n", answer->value("path", "").c_str());
  return kDone;
}

int run_savepoint(const VerbValues& values) {
  if (values.has("delete")) {
    const Status removed = remove_savepoint(values.text("delete"));
    return removed.ok() ? kDone : fail("savepoint", removed);
  }
  for (const char* form : {"pack", "unpack"}) {
    if (values.has(form)) return print_converted(values, form == std::string_view("pack"));
  }
  if (values.flag("list")) return list_savepoints(values.text("job"), values.flag("json"));
  return make_savepoint(values);
}

constexpr VerbOption kSavepointOptions[] = {
    job_argument(ValueKind::kJob),
    {.name = "to",
     .arg = "PATH",
     .doc = "Folder, or file with --single-file, to make; not set: in the job's savepoints folder.",
     .kind = ValueKind::kPath},
    {.name = "label", .arg = "NAME", .doc = "A name to find it by, JOB@NAME; of one savepoint of the job."},
    {.name = "single-file", .doc = "One SQLite file instead of a folder.", .kind = ValueKind::kFlag},
    {.name = "archive",
     .doc = "One compressed file instead of a folder, FILE.tar.zst: every verb opens it, and so does tar --zstd.",
     .kind = ValueKind::kFlag,
     .excludes = "single-file"},
    {.name = "pack",
     .arg = "REF",
     .doc = "Make an archive of a savepoint that is there, beside it or --to a file.",
     .kind = ValueKind::kReference,
     .excludes = "list"},
    {.name = "unpack",
     .arg = "REF",
     .doc = "Make a folder, or what was packed, of an archive, beside it or --to a path.",
     .kind = ValueKind::kReference,
     .excludes = "pack"},
    {.name = "list",
     .doc = "List the savepoints of the job, running or not.",
     .kind = ValueKind::kFlag,
     .excludes = "delete"},
    {.name = "delete",
     .arg = "REF",
     .doc = "Delete a savepoint: a path, JOB@N, JOB@LABEL or JOB@latest.",
     .kind = ValueKind::kReference},
    json_option("Print JSON: path and checkpoint; of a list a line a savepoint."),
};

constexpr VerbExample kSavepointExamples[] = {
    {"stream savepoint web-errors --label before-upgrade", "Makes one that is found as web-errors@before-upgrade."},
    {"sqlite3 \"$(stream savepoint counts --single-file)\" 'select * from totals order by n desc limit 5'",
     "Looks into the state of a running job."},
    {"stream savepoint --delete web-errors@before-upgrade", "Deletes it."},
};

}  // namespace

const VerbTable kSavepointVerb = {
    .description =
        "Takes a checkpoint of a running job, makes a savepoint of it, and prints its path. A savepoint is a folder of "
        "SQLite files, or one file, that holds every state table as plain rows; it needs nothing else and stays until "
        "it "
        "is deleted. 'stream run --from' starts from it, at any parallelism.",
    .options = kSavepointOptions,
    .examples = kSavepointExamples,
    .no = "The job does not run, the checkpoint was aborted, or the path exists.",
    .run = run_savepoint,
};

}  // namespace stream
