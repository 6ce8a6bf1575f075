// The verb that makes several savepoints of one: state split.
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/savepoint_target.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "snapshot/savepoint.h"
#include "snapshot/workbench/state_split.h"
#include "transport/base/files.h"

namespace stream {
namespace {

struct Part {
  std::string target;
  std::uint64_t rows = 0;
};

// Told of a part that was made before, as when the command was interrupted.
bool may_be_ours(const std::string& target, const CheckpointIndex& index) {
  const auto made = load_savepoint(target);
  return made.ok() && made->job == index.job && made->run == index.run && made->epoch == index.epoch &&
         made->label == index.label;
}

Status check_targets(const std::vector<Part>& parts, const CheckpointIndex& index) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      if (parts[i].target == parts[k].target) return usage_error("'" + parts[i].target + "' is given twice");
    }
    const Status free = check_target(parts[i].target, index.label);
    if (!free.ok() && !may_be_ours(parts[i].target, index)) return free;
  }
  return {};
}

// The name of a single file stands in it.
CheckpointIndex without_names(CheckpointIndex index) {
  index.created_us = 0;
  for (IndexInstance& instance : index.instances) {
    for (FileRef& file : instance.files) {
      if (const std::size_t hash = file.path.rfind('#'); hash != std::string::npos) file.path.erase(0, hash);
    }
  }
  return index;
}

// Makes the part, or finds that it was made before.
Status make_part(StateDraft& draft, const CheckpointIndex& index, const DraftPart& rows, const std::string& target,
                 bool single_file) {
  const auto before = load_savepoint(target);
  if (!before.ok()) return draft.seal(system_files(), index, target, single_file, rows).status();
  const std::string aside = target + ".again";
  if (load_savepoint(aside).ok()) STREAM_TRY(delete_savepoint(system_files(), aside).status());
  STREAM_ASSIGN(const CheckpointIndex made, draft.seal(system_files(), index, aside, single_file, rows));
  STREAM_TRY(delete_savepoint(system_files(), aside).status());
  if (without_names(made) != without_names(*before) || !verify_files(*before, savepoint_folder(target)).ok())
    return usage_error("'" + target + "' exists and is not what would be made; a savepoint replaces nothing");
  std::fprintf(stderr, "stream state split: '%s' was there already\n", target.c_str());
  return {};
}

Result<std::uint64_t> rows_of(const StateDraft& draft, const DraftPart& part) {
  std::uint64_t rows = 0;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (draft.tables()[i].spec.distribution != Distribution::kKeyed) continue;
    STREAM_ASSIGN(const std::uint64_t count, draft.count(i, part[i]));
    rows += count;
  }
  return rows;
}

Status check_numbers(const VerbValues& values) {
  const std::size_t parts = values.list("to").size();
  const std::size_t conditions = values.list("where").size();
  if (parts < 2) return usage_error("give --to twice or more: a path for each part");
  if (conditions != 0 && conditions + 1 != parts)
    return usage_error(std::to_string(parts) + " parts need " + std::to_string(parts - 1) +
                       " conditions: the last part has the rest; " + std::to_string(conditions) + " are given");
  return {};
}

Status split(const VerbValues& values, std::vector<Part>& parts) {
  STREAM_TRY(check_numbers(values));
  STREAM_ASSIGN(SnapshotPlace place, find_settled(values.text("ref")));
  const CheckpointIndex index = relabelled(place.index, values.text("label"));
  for (const std::string& path : values.list("to")) parts.push_back({absolute_target(path), 0});
  STREAM_TRY(check_targets(parts, index));
  STREAM_ASSIGN(const auto view, StateView::open(place.index, place.folder));
  STREAM_TRY(system_files().make_dir(std::filesystem::path(parts[0].target).parent_path()));
  const std::vector<ViewedTable> tables(view->tables().begin(), view->tables().end());
  STREAM_ASSIGN(const auto draft, StateDraft::make(place.index, tables, draft_of(parts[0].target)));
  STREAM_TRY(draft->copy(*view));
  STREAM_ASSIGN(const auto rows, split_parts(*draft, {parts.size(), values.list("where"), values.list("copy")}));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    STREAM_TRY(make_part(*draft, index, rows[i], parts[i].target, values.flag("single-file")));
    STREAM_ASSIGN(parts[i].rows, rows_of(*draft, rows[i]));
  }
  return {};
}

int run(const VerbValues& values) {
  std::vector<Part> parts;
  const Status done = split(values, parts);
  if (!done.ok()) return fail("state split", done);
  for (const Part& part : parts) {
    std::fprintf(stderr, "stream state split: %llu rows of keys in '%s'\n", static_cast<unsigned long long>(part.rows),
                 part.target.c_str());
    if (values.flag("json"))
      std::printf("%s\n", nlohmann::ordered_json{{"path", part.target}, {"rows", part.rows}}.dump().c_str());
    else
      std::printf("%s\n", part.target.c_str());
  }
  return kDone;
}

constexpr VerbOption kOptions[] = {
    {.name = "ref",
     .arg = "REF",
     .doc = "A savepoint: a path, JOB@N, JOB@LABEL or JOB@latest. It stays as it is.",
     .kind = ValueKind::kReference,
     .positional = true,
     .required = true},
    {.name = "to",
     .arg = "PATH",
     .doc = "A savepoint to make, one for each part: a folder, or a file with --single-file.",
     .kind = ValueKind::kPath,
     .required = true,
     .repeated = true},
    {.name = "where",
     .arg = "EXPR",
     .doc = "An SQL condition for each part but the last, over the columns that place rows. Without any, the parts get "
            "equal shares of the key groups.",
     .repeated = true},
    {.name = "copy", .arg = "TABLE", .doc = "A state table that every part gets as it is.", .repeated = true},
    kSavepointLabel,
    kSavepointSingleFile,
    json_option("Print JSON: path and rows of keys, a line a part."),
};

constexpr VerbExample kExamples[] = {
    {"stream state split counts@latest --where \"host = 'test'\" --to test --to others",
     "Moves what is kept of one host out of a job: 'stream run --from' begins a job with each part."},
    {"stream state split counts@latest --to half-1 --to half-2", "Halves it, so that two machines can go on."},
};

}  // namespace

const VerbTable kStateSplitVerb = {
    .description =
        "Makes several savepoints of one, each with the rows of its keys. A key goes to the first part whose condition "
        "is true, in every state table, else to the last. A condition is asked over the columns that place rows, which "
        "'stream state show' lists first, so that the rows of one key stay together. A table without such a column, of "
        "ids that were seen say, is named with --copy.\n\n"
        "What is of no key: every part has the positions of the sources and how far event time has come, as each job "
        "goes on from there; let their manifests filter out what is not theirs, and give their sinks targets of their "
        "own. Rows that a stage only delays go to the first part, so that they are not passed on twice. A savepoint "
        "holds nothing that a sink has still to commit.\n\n"
        "Each part is there as a whole or not at all. When the command was interrupted, run it again: parts that were "
        "made are left as they are. 'stream state merge' is the inverse.",
    .options = kOptions,
    .examples = kExamples,
    .no = "The savepoint is damaged, or a path exists.",
    .run = run,
};

}  // namespace stream
