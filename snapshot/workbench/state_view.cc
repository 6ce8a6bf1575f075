#include "snapshot/workbench/state_view.h"

#include <algorithm>

#include "snapshot/outbox.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::string_view kInternalPrefix = "kit_";  // stages name none of their tables so

}  // namespace

Result<std::unique_ptr<StateView>> StateView::open(CheckpointIndex index, std::string folder) {
  std::unique_ptr<StateView> view(new StateView());
  view->index_ = std::move(index);
  view->folder_ = std::move(folder);
  for (const IndexStage& stage : view->index_.stages) STREAM_TRY(view->open_stage(stage));
  name_tables(view->tables_);
  return view;
}

Status StateView::open_stage(const IndexStage& stage) {
  // One instance that owns everything reads all that the old ones had.
  STREAM_ASSIGN(auto reader, RestoreReader::open(restore_source(index_, stage.name, folder_, false),
                                                 {.key_groups = index_.key_groups}));
  for (const TableSpec& spec : reader->tables())
    tables_.push_back({stage.name, spec, spec.name, spec.name.starts_with(kInternalPrefix), is_outbox(spec)});
  stages_.push_back({stage.name, std::move(reader)});
  return {};
}

void name_tables(std::vector<ViewedTable>& tables) {
  for (ViewedTable& table : tables) {
    const auto same = [&](const ViewedTable& other) { return other.spec.name == table.spec.name; };
    table.name = std::ranges::count_if(tables, same) > 1 ? table.long_name() : table.spec.name;
  }
}

Result<std::size_t> find_table(std::span<const ViewedTable> tables, std::string_view name, const std::string& job) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    if (tables[i].name == name || tables[i].long_name() == name) return i;
    if (!tables[i].internal) names.push_back(tables[i].name);
  }
  const std::string what = "there is no state table '" + std::string(name) + "'";
  if (names.empty()) return usage_error(what + ": no stage of job '" + job + "' keeps state");
  const std::string near = did_you_mean(std::string(name), names);
  return usage_error(what + (near.empty() ? "; there is " + join(names, ", ") : near));
}

RestoreReader& StateView::reader_of(std::size_t table) {
  return *std::ranges::find(stages_, tables_[table].stage, &Stage::name)->reader;
}

TableSpec StateView::plain_spec(std::size_t table) const { return without_paths(tables_[table].spec); }

Result<std::vector<KeyGroupRange>> StateView::cut(std::size_t table, std::uint64_t bytes) {
  RestoreReader& reader = reader_of(table);
  return reader.cut(tables_[table].spec, reader.groups_of(tables_[table].spec), bytes);
}

Status StateView::load(std::size_t table, KeyGroupRange groups, StateTable& to) {
  return reader_of(table).load(groups, to);
}

Status StateView::load_of_instance(std::size_t table, std::uint32_t instance, StateTable& to) {
  const RestoreSource source = restore_source(index_, tables_[table].stage, folder_, false);
  STREAM_ASSIGN(const auto own, RestoreReader::open(source, {instance, source.parallelism, index_.key_groups}));
  return own->load(own->groups_of(to.spec()), to);
}

}  // namespace stream
