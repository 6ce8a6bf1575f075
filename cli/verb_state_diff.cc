#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/savepoint_refs.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "snapshot/sql_value.h"
#include "snapshot/workbench/state_diff.h"

namespace stream {
namespace {

using nlohmann::ordered_json;

ordered_json value_json(const Column& column, std::size_t row) {
  if (!column.valid(row)) return nullptr;
  switch (column.type().kind) {
    case TypeKind::kBoolean: return column.value<std::uint8_t>(row) != 0;
    case TypeKind::kBigint: return column.value<std::int64_t>(row);
    case TypeKind::kJson: {
      auto parsed = ordered_json::parse(column.bytes(row), nullptr, false);
      return parsed.is_discarded() ? ordered_json(std::string(column.bytes(row))) : parsed;
    }
    case TypeKind::kDouble: {
      const auto value = column.value<double>(row);
      return value == value ? ordered_json(value) : ordered_json("NaN");
    }
    default: return value_text(column, row);
  }
}

struct Counts {
  std::uint64_t removed = 0;
  std::uint64_t added = 0;
  std::uint64_t changed = 0;
  std::uint64_t notes = 0;
};

// Counts, and prints a line a difference unless only counts are wanted.
class Printer final : public DifferenceVisitor {
 public:
  explicit Printer(const VerbValues& values)
      : as_json_(values.flag("json")),
        count_only_(values.flag("count")),
        all_(values.flag("all")),
        only_(values.text("table")) {}

  bool wants(const ViewedTable& table) override {
    if (only_.empty()) return all_ || !table.internal;
    return table.name == only_ || table.long_name() == only_;
  }

  Status note(const ViewedTable& table, const std::string& what) override {
    ++counts_[table.name].notes;
    if (as_json_)
      print({{"table", table.name}, {"difference", "schema"}, {"what", what}});
    else
      std::printf("! %s: %s\n", table.name.c_str(), what.c_str());
    return {};
  }

  Status removed(const ViewedTable& table, Place before) override {
    ++counts_[table.name].removed;
    return tell("removed", "- ", table, before, "before");
  }

  Status added(const ViewedTable& table, Place after) override {
    ++counts_[table.name].added;
    return tell("added", "+ ", table, after, "after");
  }

  Status changed(const ViewedTable& before, Place from, const ViewedTable& after, Place to,
                 std::span<const std::size_t> columns) override {
    ++counts_[before.name].changed;
    if (count_only_) return {};
    if (as_json_) {
      print({{"table", before.name},
             {"difference", "changed"},
             {"key", fields(before.spec, from, 0, before.spec.key.size())},
             {"before", fields(before.spec, from, before.spec.key.size(), before.spec.columns())},
             {"after", fields(after.spec, to, after.spec.key.size(), after.spec.columns())}});
      return written();
    }
    std::string line = "~ " + before.name + " " + words(before.spec, from, 0, before.spec.key.size());
    for (const std::size_t column : columns) {
      const std::string& name = before.spec.field(column).name;
      line += "  " + name + ": " + value_text(from.rows.columns[column], from.row) + " -> " +
              value_text(to.rows.columns[*after.spec.find(name)], to.row);
    }
    std::puts(line.c_str());
    return written();
  }

  bool differs() const { return !counts_.empty(); }

  void print_counts() const {
    for (const auto& [table, counts] : counts_) {
      if (as_json_) {
        print({{"table", table}, {"removed", counts.removed}, {"added", counts.added}, {"changed", counts.changed}});
        continue;
      }
      std::printf("%s: %llu removed, %llu added, %llu changed\n", table.c_str(),
                  static_cast<unsigned long long>(counts.removed), static_cast<unsigned long long>(counts.added),
                  static_cast<unsigned long long>(counts.changed));
    }
  }

 private:
  static void print(const ordered_json& line) {
    std::printf("%s\n", line.dump(-1, ' ', false, ordered_json::error_handler_t::replace).c_str());
  }
  static Status written() {
    return std::ferror(stdout) == 0 ? Status() : system_error("write", "standard output", errno);
  }

  static ordered_json fields(const TableSpec& spec, Place place, std::size_t begin, std::size_t end) {
    ordered_json out = ordered_json::object();
    for (std::size_t i = begin; i < end; ++i) out[spec.field(i).name] = value_json(place.rows.columns[i], place.row);
    return out;
  }

  static std::string words(const TableSpec& spec, Place place, std::size_t begin, std::size_t end) {
    std::string out;
    for (std::size_t i = begin; i < end; ++i)
      out += (i == begin ? "" : " ") + spec.field(i).name + "=" + value_text(place.rows.columns[i], place.row);
    return out;
  }

  Status tell(const char* kind, const char* sign, const ViewedTable& table, Place place, const char* side) const {
    if (count_only_) return {};
    const std::size_t keys = table.spec.key.size();
    if (as_json_)
      print({{"table", table.name},
             {"difference", kind},
             {"key", fields(table.spec, place, 0, keys)},
             {side, fields(table.spec, place, keys, table.spec.columns())}});
    else
      std::puts((sign + table.name + " " + words(table.spec, place, 0, table.spec.columns())).c_str());
    return written();
  }

  bool as_json_;
  bool count_only_;
  bool all_;
  std::string only_;
  std::map<std::string, Counts> counts_;
};

int run(const VerbValues& values) {
  const auto a = open_snapshot(values.text("a"));
  if (!a.ok()) return fail("state diff", a.status());
  const auto b = open_snapshot(values.text("b"));
  if (!b.ok()) return fail("state diff", b.status());
  const std::string& only = values.text("table");
  if (!only.empty() && !(*a)->find(only).ok()) {
    if (const auto in_b = (*b)->find(only); !in_b.ok()) return fail("state diff", in_b.status());
  }
  Printer printer(values);
  const Status compared = diff_states(**a, **b, printer);
  if (!compared.ok()) return fail("state diff", compared);
  if (values.flag("count")) printer.print_counts();
  return printer.differs() ? kNo : kDone;
}

constexpr VerbOption kOptions[] = {
    {.name = "a",
     .arg = "A",
     .doc = "A savepoint or checkpoint: a path, JOB@N, JOB@LABEL, JOB@latest, or JOB for its newest checkpoint.",
     .kind = ValueKind::kReference,
     .positional = true,
     .required = true},
    {.name = "b",
     .arg = "B",
     .doc = "What it is compared with.",
     .kind = ValueKind::kReference,
     .positional = true,
     .required = true},
    {.name = "table", .arg = "TABLE", .doc = "Compare this table only, as state ls calls it."},
    {.name = "all",
     .doc = "Compare positions of sources, watermarks and the like too.",
     .kind = ValueKind::kFlag,
     .excludes = "table"},
    {.name = "count",
     .doc = "Print for each table how many rows differ, instead of the rows.",
     .kind = ValueKind::kFlag},
    json_option("Print JSON, a line a difference, with key, before and after; with --count a line a table."),
};

constexpr VerbExample kExamples[] = {
    {"stream state diff web-errors@3 web-errors@4", "Shows what has changed between two savepoints."},
    {"stream state diff --count counts@latest counts", "Counts what has changed since the newest savepoint."},
};

}  // namespace

const VerbTable kStateDiffVerb = {
    .description =
        "Compares the state of two savepoints or checkpoints, of one job or of two, and prints a line for every row "
        "that differs: '-' is only in A, '+' only in B, '~' has other values, '!' is a table or column that only one "
        "of "
        "them has. Tables are matched by stage and name, rows by their keys, columns by their names, whatever the "
        "parallelism of either.",
    .options = kOptions,
    .examples = kExamples,
    .no = "They differ, or one of them is damaged.",
    .run = run,
};

}  // namespace stream
