// The verb that makes savepoints, lists, packs and deletes them.
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/savepoint_changes.h"
#include "cli/savepoint_list.h"
#include "cli/savepoint_refs.h"
#include "cli/savepoint_target.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "storage/place.h"
#include "supervisor/job_client.h"
#include "supervisor/savepoint_schedule.h"
#include "supervisor/stored_savepoint.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::json;

// --- of those that are there ---------------------------------------------------------------------

int print_converted(const VerbValues& values, bool pack) {
  const auto target = copy_savepoint(values.text(pack ? "pack" : "unpack"), values.text("to"), pack);
  if (!target.ok()) return fail("savepoint", target.status());
  if (values.flag("json"))
    std::printf("%s\n", json{{"path", *target}}.dump().c_str());
  else
    std::printf("%s\n", target->c_str());
  return kDone;
}

Status set_mark(const VerbValues& values) {
  SavepointMark mark;
  if (values.has("label")) mark.label = values.text("label");
  if (values.has("note")) mark.note = values.text("note");
  if (!mark.label && !mark.note) return usage_error("option '--mark' needs '--label' or '--note'; '' takes it away");
  return mark_savepoint(values.text("mark"), std::move(mark));
}

// --- made by themselves --------------------------------------------------------------------------

Result<SavepointRules> rules_of(const VerbValues& values) {
  SavepointRules rules;
  if (values.has("keep")) rules.keep = values.integer("keep");
  if (values.has("keep-for")) rules.keep_for_us = values.duration("keep-for");
  if (is_object_url(values.text("to"))) {
    STREAM_TRY(parse_storage(values.text("to")).status());
    rules.to = values.text("to");
  } else if (values.has("to")) {
    rules.to = absolute_target(values.text("to"));
  }
  rules.single_file = values.flag("single-file");
  rules.archive = values.flag("archive");
  const std::string& every = values.text("every");
  if (every == "off") {
    if (rules == SavepointRules()) return rules;
    return usage_error("'--every off' keeps what there is, and makes none; leave the other options out");
  }
  auto parsed = parse_duration(every);
  if (!parsed.ok()) return std::move(parsed).status().while_doing("option '--every'");
  if (*parsed < kSavepointEveryLeast) return usage_error("option '--every': at least 1s, or 'off'");
  rules.every_us = *parsed;
  return rules;
}

// Whoever has a manifest finds it there again.
void say_what_the_manifest_says(const JobPaths& job) {
  const auto plan = plan_of_job(job);
  if (!plan.ok() || plan->pipeline.savepoints == SavepointRules()) return;
  std::fprintf(stderr, "%s: this holds until the manifest says something else than now: %s\n", job.job.c_str(),
               rules_text(plan->pipeline.savepoints, job.job).c_str());
}

Status set_schedule(const VerbValues& values) {
  STREAM_ASSIGN(const SavepointRules rules, rules_of(values));
  STREAM_ASSIGN(const JobPaths job, find_job(values.text("job")));
  if (JobLock::runs(job)) {
    STREAM_TRY(ask_job(job, {{"verb", "schedule-savepoints"}, {"rules", rules_to_json(rules)}}, kQuickAnswer).status());
  } else {
    std::optional<JobLock> lock;
    STREAM_ASSIGN(const auto store, open_store(job, &lock));
    STREAM_ASSIGN(const SavepointSchedule known, store->savepoint_schedule());
    STREAM_TRY(store->save_savepoint_schedule(said_by_hand(known, rules, system_clock().wall_us())));
  }
  say_what_the_manifest_says(job);
  return {};
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
  const bool stored = is_object_url(values.text("to"));
  if (values.has("to") && !stored) request["to"] = absolute_target(values.text("to"));
  if (stored) {
    if (const Status free = check_free(values.text("to")); !free.ok()) return fail("savepoint", free);
  }
  auto answer = ask_job(*job, request, kNoLimit);
  if (!answer.ok()) return fail("savepoint", answer.status());
  if (stored) {
    const Status put = store_savepoint(answer->value("path", ""), values.text("to"));
    if (!put.ok()) return fail("savepoint", failed(put.what() + "; it is in '" + answer->value("path", "") + "'"));
    (*answer)["path"] = values.text("to");
  }
  if (values.flag("json"))
    std::printf("%s\n", json{{"path", (*answer)["path"]}, {"epoch", (*answer)["epoch"]}}.dump().c_str());
  else
    std::printf("%s\n", answer->value("path", "").c_str());
  return kDone;
}

// Options that belong to one of the things this verb does would silently do nothing beside another.
Status check_together(const VerbValues& values) {
  constexpr std::array kActions = {"list", "delete", "pack", "unpack", "every", "mark"};
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
    const bool form = std::string_view(each) == "single-file" || std::string_view(each) == "archive";
    if (action == (form ? "every" : "mark")) continue;
    if (!action.empty() && values.has(each)) return usage_error("option '--" + action + "' excludes '--" + each + "'");
  }
  const bool places = action.empty() || action == "pack" || action == "unpack" || action == "every";
  if (values.has("to") && !places) return usage_error("option '--" + action + "' excludes '--to'");
  return {};
}

Status act(const VerbValues& values) {
  if (values.has("delete")) return remove_savepoint(values.text("delete"));
  if (values.has("every")) return set_schedule(values);
  if (values.has("mark")) return set_mark(values);
  return print_savepoints(values.text("job"), values.flag("json"));
}

int run_savepoint(const VerbValues& values) {
  if (const Status wrong = check_together(values); !wrong.ok()) return fail("savepoint", wrong);
  for (const std::string form : {"pack", "unpack"}) {
    if (values.has(form)) return print_converted(values, form == "pack");
  }
  const bool there = values.has("delete") || values.has("every") || values.has("mark") || values.flag("list");
  if (!there) return make_savepoint(values);
  const Status done = act(values);
  return done.ok() ? kDone : fail("savepoint", done);
}

// What a manifest says under `savepoints` too.
constexpr VerbOption shared_option(std::string_view name, ValueKind kind, std::string_view excludes = {}) {
  for (const ManifestKey& key : kSavepointKeys) {
    if (key.name != name) continue;
    VerbOption option{.name = key.name, .arg = key.arg, .doc = key.doc, .kind = kind, .excludes = excludes};
    if (kind == ValueKind::kInteger) {
      option.least = key.least;
      option.most = key.most;
    }
    return option;
  }
  throw "no such key";  // at compile time
}

constexpr VerbOption kSavepointOptions[] = {
    job_argument(ValueKind::kJob),
    {.name = "to",
     .arg = "PATH",
     .doc = "Folder, or file with --single-file, to make, or its s3:// URL, to which it is copied; with --every the "
            "folder or URL to make them in, as PATH/JOB/N. Not set: in the job's savepoints folder.",
     .kind = ValueKind::kPath},
    {.name = "label", .arg = "NAME", .doc = "A name to find it by, JOB@NAME; of one savepoint of the job."},
    {.name = "note", .arg = "TEXT", .doc = "What there is to say of it; --list shows it."},
    shared_option("single-file", ValueKind::kFlag),
    shared_option("archive", ValueKind::kFlag, "single-file"),
    {.name = "mark",
     .arg = "REF",
     .doc = "Give a savepoint that is there another --label or --note; '' takes it away.",
     .kind = ValueKind::kReference},
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
     .doc = "Have the job make one by itself so often, at least 1s, or 'off'. With it stand --keep, --keep-for, --to, "
            "--archive and --single-file; what is left out is not so any more."},
    shared_option("keep", ValueKind::kInteger),
    shared_option("keep-for", ValueKind::kDuration),
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
    {"stream savepoint --mark web-errors@latest --label good --note 'the figures were checked'",
     "Says something of one that is there; rules of retention leave it alone from then on."},
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
        "It is made beside the running job, at idle priority; where that leaves it less than a twentieth of a core for "
        "ten seconds, at nice 10.\n\n"
        "With --archive it is one compressed file, which every verb opens as it does a folder. It is unpacked below "
        "$STREAM_HOME for as long as it is read; nothing but the files of a savepoint is taken from it.\n\n"
        "With --mark it says something else of a savepoint. Labels and notes are kept in the catalogue of the job; the "
        "savepoint itself stays as it is, byte by byte. A copy that --pack or --unpack makes is in the same catalogue, "
        "without the label; both are one to the rules of retention.\n\n"
        "With --every a job makes savepoints by itself. They are due on a grid that a restart does not move; one that "
        "was due while the job did not run is made when it runs again, once however often it was due. One that fails "
        "is "
        "told in the log, once as long as the reason is the same, and made at the next time. --every off stops that, "
        "and "
        "deletes nothing. A manifest says the same under 'savepoints'; the last word holds: what is said here, until a "
        "manifest is run that says something else than it did before.",
    .options = kSavepointOptions,
    .examples = kSavepointExamples,
    .no = "The job does not run, the checkpoint was aborted, or the path exists.",
    .run = run_savepoint,
};

}  // namespace stream
