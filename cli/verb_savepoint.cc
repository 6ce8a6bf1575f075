// The verb that makes savepoints, lists, packs and deletes them.
#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/savepoint_list.h"
#include "cli/savepoint_refs.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "snapshot/archive/open_savepoint.h"
#include "snapshot/archive/pack.h"
#include "snapshot/savepoint_partial.h"
#include "supervisor/job_client.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::json;

// --- deleting ------------------------------------------------------------------------------------

// What is gone already, perhaps half by a deletion that was interrupted, is done with.
Status remove_files(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return remove_published(system_files(), path);
  return delete_any_savepoint(system_files(), path, unpacked_root()).status();
}

// The job that lists the savepoint, if there still is one.
std::optional<JobPaths> owner_of(const std::string& path) {
  for (const std::string& job : list_jobs()) {
    const auto list = list_of_job(job_paths(job), "savepoints");
    if (!list.ok()) continue;
    if (std::ranges::any_of(*list, [&](const json& savepoint) { return savepoint["path"] == path; }))
      return job_paths(job);
  }
  return std::nullopt;
}

// Of a job that runs, its supervisor deletes; else nobody may start it meanwhile.
Status remove_savepoint(const std::string& reference) {
  STREAM_ASSIGN(const std::string path, resolve_listed_savepoint(reference));
  const auto job = owner_of(path);
  if (!job) return remove_files(path);
  if (JobLock::runs(*job)) return ask_job(*job, {{"verb", "delete-savepoint"}, {"path", path}}, kNoLimit).status();
  std::optional<JobLock> lock;
  STREAM_ASSIGN(const auto store, open_store(*job, &lock));
  STREAM_TRY(remove_files(path));
  return store->forget_savepoint(path);
}

// --- in other forms ------------------------------------------------------------------------------

constexpr Microseconds kEveryLeast = 1'000'000;

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

// --- made by themselves --------------------------------------------------------------------------

Result<SavepointSchedule> schedule_of(const VerbValues& values) {
  SavepointSchedule schedule;
  if (values.has("keep")) schedule.keep = values.integer("keep");
  if (values.has("keep-for")) schedule.keep_for_us = values.duration("keep-for");
  const std::string& every = values.text("every");
  if (every == "off") {
    if (schedule == SavepointSchedule()) return schedule;
    return usage_error("'--every off' keeps what there is; leave out --keep and --keep-for");
  }
  auto parsed = parse_duration(every);
  if (!parsed.ok()) return std::move(parsed).status().while_doing("option '--every'");
  if (*parsed < kEveryLeast) return usage_error("option '--every': at least 1s, or 'off'");
  schedule.every_us = *parsed;
  return schedule;
}

Status set_schedule(const VerbValues& values) {
  STREAM_ASSIGN(SavepointSchedule schedule, schedule_of(values));
  STREAM_ASSIGN(const JobPaths job, find_job(values.text("job")));
  if (JobLock::runs(job)) {
    return ask_job(job,
                   {{"verb", "schedule-savepoints"},
                    {"every_us", schedule.every_us},
                    {"keep", schedule.keep},
                    {"keep_for_us", schedule.keep_for_us}},
                   kQuickAnswer)
        .status();
  }
  std::optional<JobLock> lock;
  STREAM_ASSIGN(const auto store, open_store(job, &lock));
  schedule.next_us = schedule.every_us == 0 ? 0 : system_clock().wall_us() + schedule.every_us;
  return store->save_savepoint_schedule(schedule);
}

// --- made now ------------------------------------------------------------------------------------

int make_savepoint(const VerbValues& values) {
  if (const Status label = check_label(values.text("label")); !label.ok()) return fail("savepoint", label);
  const auto job = find_job(values.text("job"));
  if (!job.ok()) return fail("savepoint", job.status());
  json request = {{"verb", "savepoint"},
                  {"label", values.text("label")},
                  {"note", values.text("note")},
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

// Options that belong to one of the things this verb does would silently do nothing beside another.
Status check_together(const VerbValues& values) {
  constexpr std::array kActions = {"list", "delete", "pack", "unpack", "every"};
  std::string action;
  for (const char* each : kActions) {
    if (!values.has(each)) continue;
    if (!action.empty()) return usage_error("option '--" + action + "' excludes '--" + each + "'");
    action = each;
  }
  for (const char* each : {"keep", "keep-for"}) {
    if (values.has(each) && action != "every")
      return usage_error(std::string("option '--") + each + "' needs '--every'");
  }
  for (const char* each : {"label", "note", "single-file", "archive"}) {
    if (!action.empty() && values.has(each)) return usage_error("option '--" + action + "' excludes '--" + each + "'");
  }
  const bool places = action.empty() || action == "pack" || action == "unpack";
  if (values.has("to") && !places) return usage_error("option '--" + action + "' excludes '--to'");
  return {};
}

Status act(const VerbValues& values) {
  if (values.has("delete")) return remove_savepoint(values.text("delete"));
  if (values.has("every")) return set_schedule(values);
  return print_savepoints(values.text("job"), values.flag("json"));
}

int run_savepoint(const VerbValues& values) {
  if (const Status wrong = check_together(values); !wrong.ok()) return fail("savepoint", wrong);
  for (const std::string form : {"pack", "unpack"}) {
    if (values.has(form)) return print_converted(values, form == "pack");
  }
  if (!values.has("delete") && !values.has("every") && !values.flag("list")) return make_savepoint(values);
  const Status done = act(values);
  return done.ok() ? kDone : fail("savepoint", done);
}

constexpr VerbOption kSavepointOptions[] = {
    job_argument(ValueKind::kJob),
    {.name = "to",
     .arg = "PATH",
     .doc = "Folder, or file with --single-file, to make; not set: in the job's savepoints folder.",
     .kind = ValueKind::kPath},
    {.name = "label", .arg = "NAME", .doc = "A name to find it by, JOB@NAME; of one savepoint of the job."},
    {.name = "note", .arg = "TEXT", .doc = "What there is to say of it; --list shows it."},
    {.name = "single-file", .doc = "One SQLite file instead of a folder.", .kind = ValueKind::kFlag},
    {.name = "archive",
     .doc = "One compressed file instead of a folder, FILE.tar.zst: every verb opens it, and so does tar --zstd.",
     .kind = ValueKind::kFlag,
     .excludes = "single-file"},
    {.name = "pack",
     .arg = "REF",
     .doc = "Make an archive of a savepoint that is there, beside it or --to a file.",
     .kind = ValueKind::kReference},
    {.name = "unpack",
     .arg = "REF",
     .doc = "Make a folder, or what was packed, of an archive, beside it or --to a path.",
     .kind = ValueKind::kReference},
    {.name = "every",
     .arg = "DURATION",
     .doc = "Have the job make one by itself so often, until 'off'. That and --keep and --keep-for stay with the job, "
            "running or not."},
    {.name = "keep",
     .arg = "N",
     .doc = "With --every: delete all but the newest N. Those with a label, a note or a place of their own stay.",
     .kind = ValueKind::kInteger,
     .least = 1},
    {.name = "keep-for",
     .arg = "DURATION",
     .doc = "With --every: delete those that are older, but the newest. The same ones stay.",
     .kind = ValueKind::kDuration},
    {.name = "list",
     .doc = "List the savepoints of the job, running or not; without JOB of every job.",
     .kind = ValueKind::kFlag},
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
    {"stream savepoint web-errors --archive --label friday --note 'before the holidays'",
     "Makes one in a single compressed file."},
    {"stream savepoint --pack web-errors@before-upgrade --to before.tar.zst && tar --zstd -tf before.tar.zst",
     "Puts one that is there into a file to take elsewhere; 'stream run --from before.tar.zst' starts from it."},
    {"stream savepoint web-errors --every 1h --keep 24", "Has the job make one every hour, and keep those of a day."},
    {"stream savepoint --list web-errors", "Shows what there is."},
    {"stream savepoint --delete web-errors@before-upgrade", "Deletes it."},
};

}  // namespace

const VerbTable kSavepointVerb = {
    .description =
        "Takes a checkpoint of a running job, makes a savepoint of it, and prints its path. A savepoint is a folder of "
        "SQLite files, or one file, that holds every state table as plain rows; it needs nothing else and stays until "
        "it is deleted. 'stream run --from' starts from it, at any parallelism, in any folder and on any machine: what "
        "was read from files is found by content where the pipeline reads now. Whoever has changed a byte of it is "
        "told "
        "so instead.\n\n"
        "With --archive it is one compressed file, which every verb opens as it does a folder. It is unpacked below "
        "$STREAM_HOME for as long as it is read; nothing but the files of a savepoint is taken from it.\n\n"
        "With --every a job makes savepoints by itself. They are due on a grid that a restart does not move; one that "
        "was due while the job did not run is made when it runs again. --every off stops that, and deletes nothing.",
    .options = kSavepointOptions,
    .examples = kSavepointExamples,
    .no = "The job does not run, the checkpoint was aborted, or the path exists.",
    .run = run_savepoint,
};

}  // namespace stream
