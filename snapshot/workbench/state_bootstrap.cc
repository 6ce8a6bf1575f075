#include "snapshot/workbench/state_bootstrap.h"

#include <algorithm>

#include "snapshot/given_text.h"
#include "snapshot/sql_value.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::string_view kArrival = "arrival";
constexpr std::size_t kShown = 40;                                             // characters of a value in an error
constexpr std::string_view kOfSavepoints[] = {"_key_group", kInstanceColumn};  // a copy of a table may have them

std::string shortened(const std::string& text) { return text.size() <= kShown ? text : text.substr(0, kShown) + "…"; }

class Bootstrap {
 public:
  Bootstrap(StateDraft& draft, std::size_t table, GivenRows& rows)
      : spec_(draft.tables()[table].spec), name_(draft.tables()[table].name), rows_(rows) {}

  Result<std::uint64_t> run(StateDraft::Inserter& inserter) {
    GivenRow row;
    for (;; ++count_) {
      STREAM_ASSIGN(const bool any, rows_.next(row));
      if (!any) return count_;
      STREAM_TRY(check_names(row));
      STREAM_ASSIGN(const Batch batch, read(row));
      STREAM_ASSIGN(const bool added, inserter.add(batch, 0));
      if (!added)
        return usage_error(rows_.place() + ": a row of '" + name_ + "' with the key " + key_of(batch) +
                           " was there before");
    }
  }

 private:
  std::string columns() const {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < spec_.columns(); ++i) all.push_back(spec_.field(i).name);
    return join(all, ", ");
  }

  Status check_names(const GivenRow& row) const {
    for (const auto& [name, text, json] : row) {
      if (spec_.find(name) || std::ranges::find(kOfSavepoints, name) != std::end(kOfSavepoints)) continue;
      std::vector<std::string> known;
      for (std::size_t i = 0; i < spec_.columns(); ++i) known.push_back(spec_.field(i).name);
      const std::string near = did_you_mean(name, known);
      return usage_error(rows_.place() + ": state table '" + name_ + "' has no column '" + name + "'" +
                         (near.empty() ? "; it has " + columns() : near));
    }
    return {};
  }

  Result<Batch> read(const GivenRow& row) const {
    Batch batch{nullptr, 1, {}, {}};
    for (std::size_t i = 0; i < spec_.columns(); ++i) {
      ColumnBuilder column(spec_.field(i).type);
      STREAM_TRY(read_column(row, i, column));
      batch.columns.push_back(column.finish());
    }
    return batch;
  }

  Status read_column(const GivenRow& row, std::size_t number, ColumnBuilder& column) const {
    const Field& field = spec_.field(number);
    const auto given = std::ranges::find(row, field.name, &GivenValue::column);
    if (given == row.end()) {
      if (!numbers_rows(number)) return missing(number);
      column.append(static_cast<std::int64_t>(count_));
      return {};
    }
    if (!given->text) {
      if (spec_.starts_at_zero(number))
        return usage_error(rows_.place() + ": column '" + field.name + "' counts, so that it cannot be NULL; give 0");
      column.append_null();
      return {};
    }
    const bool as_json = field.type == kJson && !given->json.empty();
    if (append_text(as_json ? given->json : *given->text, column)) return {};
    return usage_error(rows_.place() + ": column '" + field.name + "' is " + to_string(field.type) +
                       " and cannot hold '" + shortened(*given->text) + "'");
  }

  bool numbers_rows(std::size_t number) const {
    const Field& field = spec_.field(number);
    return number < spec_.key.size() && field.name == kArrival && field.type == kBigint;
  }

  Status missing(std::size_t number) const {
    const Field& field = spec_.field(number);
    const std::string means(spec_.definition_of(number));
    return usage_error(rows_.place() + ": there is no '" + field.name + "', which state table '" + name_ +
                       "' needs as " + to_string(field.type) + (means.empty() ? "" : " (" + means + ")"));
  }

  std::string key_of(const Batch& batch) const {
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < spec_.key.size(); ++i)
      parts.push_back(spec_.key[i].name + "=" + shortened(value_text(batch.columns[i], 0)));
    return join(parts, ", ");
  }

  const TableSpec& spec_;
  const std::string& name_;
  GivenRows& rows_;
  std::uint64_t count_ = 0;
};

}  // namespace

Result<std::uint64_t> bootstrap(StateDraft& draft, std::size_t table, GivenRows& rows) {
  STREAM_TRY(draft.begin());
  STREAM_ASSIGN(auto inserter, draft.insert_into(table));
  STREAM_ASSIGN(const std::uint64_t count, Bootstrap(draft, table, rows).run(inserter));
  STREAM_TRY(draft.commit());
  return count;
}

}  // namespace stream
