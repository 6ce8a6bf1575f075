// The verbs that make a savepoint of another: state edit, reshard.
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/savepoint_target.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "snapshot/savepoint.h"
#include "snapshot/workbench/state_draft.h"
#include "snapshot/workbench/state_reshard.h"
#include "transport/base/files.h"

namespace stream {
namespace {

int tell(const VerbValues& values, const std::string& path, std::uint64_t rows) {
  if (values.flag("json"))
    std::printf("%s\n", nlohmann::ordered_json{{"path", path}, {"rows", rows}}.dump().c_str());
  else
    std::printf("%s\n", path.c_str());
  return kDone;
}

// How many rows were changed.
Result<std::uint64_t> edit(const VerbValues& values, const std::string& target) {
  STREAM_TRY(check_target(values.text("to"), values.text("label")));
  STREAM_ASSIGN(SnapshotPlace place, find_settled(values.text("ref")));
  STREAM_ASSIGN(const auto view, StateView::open(place.index, place.folder));
  STREAM_TRY(system_files().make_dir(std::filesystem::path(target).parent_path()));
  const std::vector<ViewedTable> tables(view->tables().begin(), view->tables().end());
  STREAM_ASSIGN(const auto draft, StateDraft::make(place.index, tables, draft_of(target)));
  STREAM_TRY(draft->copy(*view));
  STREAM_ASSIGN(const std::uint64_t rows, draft->change(values.text("sql")));
  if (rows == 0) return failed("no row was changed, so no savepoint was made");
  STREAM_TRY(draft
                 ->seal(system_files(), relabelled(std::move(place.index), values.text("label")), target,
                        values.flag("single-file"))
                 .status());
  return rows;
}

int run_edit(const VerbValues& values) {
  const std::string target = absolute_target(values.text("to"));
  const auto rows = edit(values, target);
  if (!rows.ok()) return fail("state edit", rows.status());
  std::fprintf(stderr, "stream state edit: %llu %s changed\n", static_cast<unsigned long long>(*rows),
               *rows == 1 ? "row" : "rows");
  return tell(values, target, *rows);
}

Result<std::string> plan_with(const std::string& plan, std::uint32_t key_groups) {
  auto json = nlohmann::ordered_json::parse(plan, nullptr, false);
  if (!json.is_object() || !json.contains("pipeline")) return corrupt("the plan of the savepoint is not readable");
  json["pipeline"]["key-groups"] = key_groups;
  return json.dump();
}

Status make_resharded(const VerbValues& values, const std::string& target) {
  STREAM_TRY(check_target(values.text("to"), values.text("label")));
  STREAM_ASSIGN(SnapshotPlace place, find_settled(values.text("ref")));
  const auto key_groups = static_cast<std::uint32_t>(values.integer("key-groups"));
  for (const IndexStage& stage : place.index.stages) {
    if (stage.parallelism > key_groups)
      return usage_error("stage '" + stage.name + "' has " + std::to_string(stage.parallelism) +
                         " instances, more than " + std::to_string(key_groups) + " key groups");
  }
  STREAM_ASSIGN(std::string plan, plan_with(place.index.plan, key_groups));
  const CheckpointIndex index = relabelled(std::move(place.index), values.text("label"));
  return reshard(system_files(), {.index = index,
                                  .folder = place.folder,
                                  .key_groups = key_groups,
                                  .plan = std::move(plan),
                                  .target = target,
                                  .single_file = values.flag("single-file")})
      .status();
}

int run_reshard(const VerbValues& values) {
  const std::string target = absolute_target(values.text("to"));
  const Status done = make_resharded(values, target);
  if (!done.ok()) return fail("state reshard", done);
  if (values.flag("json"))
    std::printf("%s\n", nlohmann::ordered_json{{"path", target}}.dump().c_str());
  else
    std::printf("%s\n", target.c_str());
  return kDone;
}

constexpr VerbOption kSavepointArgument = {
    .name = "ref",
    .arg = "REF",
    .doc = "A savepoint: a path, JOB@N, JOB@LABEL or JOB@latest. It stays as it is.",
    .kind = ValueKind::kReference,
    .positional = true,
    .required = true};
constexpr VerbOption kEditOptions[] = {
    kSavepointArgument,
    {.name = "sql",
     .arg = "SQL",
     .doc = "INSERT, UPDATE, DELETE; several with ';' between them.",
     .positional = true,
     .required = true},
    kSavepointTo,
    kSavepointLabel,
    kSavepointSingleFile,
    json_option("Print JSON: path, and how many rows were changed."),
};

constexpr VerbExample kEditExamples[] = {
    {"stream state edit counts@latest \"update totals set n = 0 where host = 'test'\" --to mended",
     "Takes back what a test machine has counted."},
    {"stream run counts.yaml --from mended", "Goes on from there."},
};

constexpr VerbOption kReshardOptions[] = {
    kSavepointArgument,
    {.name = "key-groups",
     .arg = "N",
     .doc = "How many there are to be: as many as a stage may have instances at most.",
     .kind = ValueKind::kInteger,
     .least = 1,
     .most = 32'768,
     .required = true},
    kSavepointTo,
    kSavepointLabel,
    kSavepointSingleFile,
    json_option("Print JSON: path."),
};

constexpr VerbExample kReshardExamples[] = {
    {"stream state reshard counts@latest --key-groups 4096 --to wider && stream run counts.yaml --from wider",
     "Goes on with more key groups; counts.yaml says 'key-groups: 4096' now."},
};

constexpr std::string_view kNotMade = "The savepoint is damaged, or the path exists, or nothing was changed.";

}  // namespace

const VerbTable kStateEditVerb = {
    .description =
        "Changes the state that a savepoint holds, in a copy of it: SQL over its tables, each across all instances, "
        "called as "
        "state ls calls them. A column takes only values of its type, in the form of stream-snapshot(5), and a key is "
        "there once; a statement that breaks this changes nothing and is refused. The copy is sealed as a savepoint of "
        "its own, rows with the instance they belong to. 'stream run --from' starts from it.",
    .options = kEditOptions,
    .examples = kEditExamples,
    .no = kNotMade,
    .run = run_edit,
};

const VerbTable kStateReshardVerb = {
    .description =
        "Makes a savepoint with another number of key groups. That number, 'key-groups' of a manifest, bounds the "
        "parallelism of a stage, and cannot change while state is kept. Rows go to the instances that own them by the "
        "new number; results are the same.",
    .options = kReshardOptions,
    .examples = kReshardExamples,
    .no = kNotMade,
    .run = run_reshard,
};

}  // namespace stream
