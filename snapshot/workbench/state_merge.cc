#include "snapshot/workbench/state_merge.h"

#include <algorithm>
#include <map>
#include <optional>

#include "snapshot/sql_value.h"
#include "transport/base/check.h"
#include "transport/base/text.h"

namespace stream {
namespace {

// How far event time has come, stages/kit/progress.h: one row an instance, and one a split that is read.
constexpr std::string_view kProgress = "kit_progress";
constexpr std::string_view kSplits = "kit_splits";

bool is_progress(const TableSpec& spec) { return spec.name == kProgress || spec.name == kSplits; }

std::string key_text(const ViewedTable& table, const Batch& rows, std::size_t row) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < table.spec.key.size(); ++i)
    parts.push_back(table.spec.key[i].name + "=" + value_text(rows.columns[i], row));
  return table.name + ": " + join(parts, ", ");
}

// --- event time ----------------------------------------------------------------------------------

struct Reached {
  std::uint32_t instance = 0;
  std::vector<std::int64_t> values;  // the lowest counts: a time, a truth as 0 or 1
};
using Progress = std::map<std::int64_t, Reached>;  // by instance or split

std::int64_t number_at(const Column& column, std::size_t row) {
  return column.type() == kBoolean ? column.value<std::uint8_t>(row) : column.value<std::int64_t>(row);
}

Status read_progress(const Batch& rows, std::uint32_t instance, Progress& to) {
  for (std::size_t row = 0; row < rows.rows; ++row) {
    Reached reached{instance, {}};
    for (std::size_t i = 1; i < rows.columns.size(); ++i) reached.values.push_back(number_at(rows.columns[i], row));
    to[number_at(rows.columns[0], row)] = std::move(reached);
  }
  return {};
}

void lower(Reached& reached, const Reached& other) {
  for (std::size_t i = 0; i < reached.values.size(); ++i)
    reached.values[i] = std::min(reached.values[i], other.values[i]);
}

Progress lowest(Progress first, const Progress& second) {
  for (const auto& [split, reached] : second) {
    const auto [at, added] = first.emplace(split, reached);
    if (!added) lower(at->second, reached);
  }
  return first;
}

// Instances of one number are the same where there are as many; else the lowest of all holds for each. An instance
// that has told nothing has reached nothing, and then the stage has not.
Progress lowest_of_instances(Progress first, std::uint32_t first_count, const Progress& second,
                             std::uint32_t second_count) {
  if (first.size() < first_count || second.size() < second_count) return {};
  if (first_count == second_count) return lowest(std::move(first), second);
  for (auto& [instance, reached] : first) {
    for (const auto& [other, has] : second) lower(reached, has);
  }
  return first;
}

Batch progress_row(const TableSpec& spec, std::int64_t key, const Reached& reached) {
  Batch row{nullptr, 1, {}, {}};
  for (std::size_t i = 0; i < spec.columns(); ++i) {
    const std::int64_t value = i == 0 ? key : reached.values[i - 1];
    ColumnBuilder column(spec.field(i).type);
    if (column.type() == kBoolean)
      column.append(static_cast<std::uint8_t>(value));
    else
      column.append(value);
    row.columns.push_back(column.finish());
  }
  return row;
}

// --- rows ----------------------------------------------------------------------------------------

class Merging {
 public:
  Merging(StateDraft& draft, const CheckpointIndex& first, StateView& from, OnConflict on_conflict)
      : draft_(draft), first_(first), from_(from), on_conflict_(on_conflict) {}

  Status run(std::size_t number) {
    const ViewedTable& table = from_.tables()[number];
    const auto to = draft_.find(table.stage, table.spec.name);
    STREAM_CHECK(to.has_value());
    if (is_progress(table.spec)) return merge_progress(number, *to);
    STREAM_ASSIGN(auto inserter, draft_.insert_into(*to));
    return for_each_row_set(from_, number, [&](const Batch& rows, std::uint32_t instance) -> Status {
      for (std::size_t row = 0; row < rows.rows; ++row)
        STREAM_TRY(add(draft_.tables()[*to], inserter, rows, row, place(table.stage, instance)));
      return {};
    });
  }

  MergeReport report() { return std::move(report_); }

 private:
  std::uint32_t parallelism(const CheckpointIndex& index, const std::string& stage) const {
    const auto found = std::ranges::find(index.stages, stage, &IndexStage::name);
    return found == index.stages.end() ? 0 : found->parallelism;
  }
  // The merged stage may have fewer instances.
  std::uint32_t place(const std::string& stage, std::uint32_t instance) const {
    return instance % parallelism(draft_.index(), stage);
  }

  Status add(const ViewedTable& table, StateDraft::Inserter& inserter, const Batch& rows, std::size_t row,
             std::uint32_t instance) {
    STREAM_ASSIGN(const bool added, inserter.add(rows, row, instance));
    report_.rows += added ? 1 : 0;
    if (added) return {};
    if (table.spec.distribution != Distribution::kKeyed) {
      STREAM_ASSIGN(const bool same, inserter.holds(rows, row, instance));
      if (same) return {};
    }
    ++report_.conflicts;
    if (report_.shown.size() < MergeReport::kShownMax) report_.shown.push_back(key_text(table, rows, row));
    return on_conflict_ == OnConflict::kLast ? inserter.replace(rows, row, instance) : Status();
  }

  // Of the first the draft has the rows; what it says of a stage that it does not know counts for nothing.
  Status merge_progress(std::size_t number, std::size_t to) {
    const ViewedTable& table = draft_.tables()[to];
    Progress first;
    Progress second;
    const auto of_first = [&](const Batch& row, std::uint32_t instance) { return read_progress(row, instance, first); };
    const auto of_second = [&](const Batch& rows, std::uint32_t instance) {
      return read_progress(rows, place(table.stage, instance), second);
    };
    STREAM_TRY(draft_.visit(to, of_first));
    STREAM_TRY(for_each_row_set(from_, number, of_second));
    const std::uint32_t first_count = parallelism(first_, table.stage);
    if (first_count == 0) return put(to, second);
    if (table.spec.name == kSplits) return put(to, lowest(std::move(first), second));
    return put(to, lowest_of_instances(std::move(first), first_count, second, parallelism(from_.index(), table.stage)));
  }

  Status put(std::size_t to, const Progress& progress) {
    STREAM_TRY(draft_.clear(to));
    STREAM_ASSIGN(auto inserter, draft_.insert_into(to));
    for (const auto& [key, reached] : progress)
      STREAM_TRY(inserter.add(progress_row(draft_.tables()[to].spec, key, reached), 0, reached.instance).status());
    return {};
  }

  StateDraft& draft_;
  const CheckpointIndex& first_;
  StateView& from_;
  OnConflict on_conflict_;
  MergeReport report_;
};

bool same_rows(const TableSpec& a, const TableSpec& b) {
  return a.distribution == b.distribution && a.key == b.key && a.value == b.value && a.definition == b.definition &&
         a.definitions == b.definitions && a.group_columns == b.group_columns;
}

std::string described(const TableSpec& spec) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < spec.columns(); ++i) {
    const std::string means(spec.definition_of(i));
    parts.push_back(spec.field(i).name + " " + to_string(spec.field(i).type) + (means.empty() ? "" : " = " + means));
  }
  return "(" + join(parts, ", ") + ")" + (spec.definition.empty() ? "" : ", " + spec.definition);
}

}  // namespace

Result<CheckpointIndex> merged_index(const CheckpointIndex& first, const CheckpointIndex& second) {
  if (first.key_groups != second.key_groups)
    return usage_error("one has " + std::to_string(first.key_groups) + " key groups, the other " +
                       std::to_string(second.key_groups) + "; 'stream state reshard' changes that");
  if (first.drained != second.drained)
    return usage_error("the windows of one have fired, those of the other have not: only one was drained");
  CheckpointIndex merged = first;
  merged.epoch = std::max(first.epoch, second.epoch);
  for (const IndexStage& stage : second.stages) {
    if (std::ranges::find(first.stages, stage.name, &IndexStage::name) != first.stages.end()) continue;
    merged.stages.push_back(stage);
    for (const IndexInstance& instance : second.instances) {
      if (instance.stage == stage.name) merged.instances.push_back(instance);
    }
  }
  return merged;
}

Result<std::vector<ViewedTable>> merged_tables(std::span<const ViewedTable> first, const StateView& second) {
  std::vector<ViewedTable> tables(first.begin(), first.end());
  std::erase_if(tables, [](const ViewedTable& table) { return table.pending; });
  for (const ViewedTable& table : second.tables()) {
    if (table.pending) continue;
    const auto same = std::ranges::find(tables, table.long_name(), &ViewedTable::long_name);
    if (same == tables.end())
      tables.push_back(table);
    else if (!same_rows(same->spec, table.spec))
      return usage_error("state table '" + table.long_name() + "' is " + described(same->spec) + " in one and " +
                         described(table.spec) + " in the other");
  }
  name_tables(tables);
  return tables;
}

Result<MergeReport> merge_into(StateDraft& draft, const CheckpointIndex& first, StateView& from,
                               OnConflict on_conflict) {
  STREAM_TRY(draft.begin());
  Merging merging(draft, first, from, on_conflict);
  for (std::size_t i = 0; i < from.tables().size(); ++i) {
    if (!from.tables()[i].pending) STREAM_TRY(merging.run(i));
  }
  MergeReport report = merging.report();
  const bool refused = on_conflict == OnConflict::kFail && report.conflicts > 0;
  STREAM_TRY(refused ? draft.take_back() : draft.commit());
  return report;
}

}  // namespace stream
