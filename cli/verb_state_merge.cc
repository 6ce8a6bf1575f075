// The verb that makes one savepoint of several: state merge.
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/savepoint_target.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "snapshot/workbench/state_merge.h"
#include "supervisor/plan.h"
#include "supervisor/state_fit.h"
#include "transport/base/files.h"
#include "transport/base/text.h"

namespace stream {
namespace {

struct Source {
  std::string reference;
  SnapshotPlace place;
  std::unique_ptr<StateView> view;
};

Result<std::vector<Source>> open_all(const std::vector<std::string>& references) {
  if (references.size() < 2) return usage_error("name two savepoints at least");
  std::vector<Source> sources;
  for (const std::string& reference : references) {
    STREAM_ASSIGN(SnapshotPlace place, find_settled(reference));
    STREAM_ASSIGN(auto view, StateView::open(place.index, place.folder));
    sources.push_back({reference, std::move(place), std::move(view)});
  }
  return sources;
}

// The state of one must mean to the other what it means to itself.
Status check_same_pipeline(const Source& first, const Source& other) {
  STREAM_ASSIGN(const JobPlan wanted, plan_from_json(first.place.index.plan));
  STREAM_ASSIGN(JobPlan kept, plan_from_json(other.place.index.plan));
  kept.pipeline.key_groups = wanted.pipeline.key_groups;  // told of apart
  const StateFit fit = fit_state(kept, wanted, true);
  if (fit.fits(false)) return {};
  return usage_error(fit.report("'" + other.reference + "' is of another pipeline than '" + first.reference + "':"));
}

struct Merged {
  CheckpointIndex index;
  std::vector<ViewedTable> tables;
};

Result<Merged> plan_merge(const std::vector<Source>& sources) {
  Merged merged{sources[0].place.index, {}};
  for (std::size_t i = 1; i < sources.size(); ++i) {
    const std::string both = "'" + sources[0].reference + "' and '" + sources[i].reference + "'";
    STREAM_TRY(check_same_pipeline(sources[0], sources[i]));
    auto index = merged_index(merged.index, sources[i].place.index);
    if (!index.ok()) return usage_error(both + " cannot be merged: " + index.status().what());
    merged.index = *std::move(index);
    auto tables = merged_tables(merged.tables.empty() ? sources[0].view->tables() : merged.tables, *sources[i].view);
    if (!tables.ok()) return usage_error(both + " cannot be merged: " + tables.status().what());
    merged.tables = *std::move(tables);
  }
  return merged;
}

OnConflict policy(const VerbValues& values) {
  const std::string& text = values.text("on-conflict");
  return text == "first" ? OnConflict::kFirst : text == "last" ? OnConflict::kLast : OnConflict::kFail;
}

Status conflict(const Source& source, const MergeReport& report) {
  std::string text = std::to_string(report.conflicts) + (report.conflicts == 1 ? " key" : " keys") + " of '" +
                     source.reference +
                     "' are in those before it too; --on-conflict first or last chooses whose rows stay:";
  for (const std::string& key : report.shown) text += "\n  " + key;
  if (report.conflicts > report.shown.size()) text += "\n  …";
  return failed(text);
}

Status merge(const VerbValues& values, const std::string& target, MergeReport& all) {
  STREAM_TRY(check_target(target, values.text("label")));
  STREAM_ASSIGN(std::vector<Source> sources, open_all(values.list("ref")));
  STREAM_ASSIGN(Merged merged, plan_merge(sources));
  STREAM_TRY(system_files().make_dir(std::filesystem::path(target).parent_path()));
  STREAM_ASSIGN(const auto draft, StateDraft::make(merged.index, std::move(merged.tables), draft_of(target)));
  STREAM_TRY(draft->copy(*sources[0].view));
  CheckpointIndex so_far = sources[0].place.index;
  for (std::size_t i = 1; i < sources.size(); ++i) {
    STREAM_ASSIGN(const MergeReport report, merge_into(*draft, so_far, *sources[i].view, policy(values)));
    if (report.conflicts > 0 && policy(values) == OnConflict::kFail) return conflict(sources[i], report);
    STREAM_ASSIGN(so_far, merged_index(so_far, sources[i].place.index));
    all.rows += report.rows;
    all.conflicts += report.conflicts;
  }
  return draft->seal(system_files(), relabelled(merged.index, values.text("label")), target, values.flag("single-file"))
      .status();
}

int run(const VerbValues& values) {
  const std::string target = absolute_target(values.text("to"));
  MergeReport report;
  const Status merged = merge(values, target, report);
  if (!merged.ok()) return fail("state merge", merged);
  std::fprintf(stderr, "stream state merge: %llu rows added to those of the first, %llu keys in both\n",
               static_cast<unsigned long long>(report.rows), static_cast<unsigned long long>(report.conflicts));
  if (values.flag("json"))
    std::printf("%s\n",
                nlohmann::ordered_json{{"path", target}, {"added", report.rows}, {"conflicts", report.conflicts}}
                    .dump()
                    .c_str());
  else
    std::printf("%s\n", target.c_str());
  return kDone;
}

constexpr VerbOption kOptions[] = {
    {.name = "ref",
     .arg = "REF",
     .doc = "Savepoints: paths, JOB@N, JOB@LABEL or JOB@latest. They stay as they are.",
     .kind = ValueKind::kReference,
     .positional = true,
     .required = true,
     .repeated = true},
    kSavepointTo,
    {.name = "on-conflict",
     .arg = "WHAT",
     .doc = "What becomes of a key that several have: none is made, or the rows of the first or the last stay.",
     .kind = ValueKind::kChoice,
     .fallback = "fail",
     .choices = "fail|first|last"},
    kSavepointLabel,
    kSavepointSingleFile,
    json_option("Print JSON: path, rows added to the first, and keys that were in conflict."),
};

constexpr VerbExample kExamples[] = {
    {"stream state merge north@latest south@latest --to both && stream run -d both.yaml --from both",
     "Makes one job of two that had the same pipeline and keys of their own."},
};

}  // namespace

const VerbTable kStateMergeVerb = {
    .description =
        "Makes one savepoint of those of several jobs of one pipeline, that had keys or inputs of their own. Stages "
        "keep "
        "the parallelism they have in the first. A key that is in more than one is in conflict, also where its rows "
        "are "
        "equal, as each job has counted records of its own: then nothing is made, and the first ten are told.\n\n"
        "What is of no key: how far a source has read of a file, table or partition is taken from whoever has read it; "
        "both must stand at the same place where both have, as else records would be lost or counted twice, so stop "
        "both jobs when they have read the same. Event time has come as far as the lowest of them. A savepoint holds "
        "nothing that a sink has still to commit, and the run that begins with it has an id of its own, so that "
        "nothing "
        "is taken for committed that is not.",
    .options = kOptions,
    .examples = kExamples,
    .no = "A key is in several of them, or a savepoint is damaged.",
    .run = run,
};

}  // namespace stream
