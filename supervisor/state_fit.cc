#include "supervisor/state_fit.h"

#include <algorithm>
#include <set>

#include "snapshot/table_fit.h"
#include "snapshot/table_names.h"
#include "stages/expression/row_language.h"
#include "supervisor/state_claims.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using Lines = std::vector<std::string>;

// Rows prepared for a sink as it was, which only that sink can write.
constexpr const char* kSettle =
    ", but has rows to write still; 'stream resume' the job as it was, then 'stream stop' it";

std::string said(const AnsweredTarget& target) {
  return "'" + target.path + "'" + (target.part.empty() ? "" : ", " + target.part);
}

std::string targets_of(const StageView& view) {
  Lines all;
  for (const AnsweredTarget& target : view.planned.answer.writes) all.push_back(said(target));
  return all.empty() ? "nothing" : join(all, ", ");
}

std::string evolve(const std::string& stage, const std::string& entry) {
  return "evolve: {" + stage + ": " + entry + "}";
}

// What is written down of a column's expression within a YAML flow map.
std::string yaml_text(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

class Fitting {
 public:
  Fitting(const JobPlan& kept, const JobPlan& wanted, bool settled)
      : kept_(stages_of(kept)), wanted_(stages_of(wanted)), claims_(claim_state(kept, wanted)), settled_(settled) {
    if (kept.pipeline.key_groups == wanted.pipeline.key_groups) return;
    problem("key-groups was " + std::to_string(kept.pipeline.key_groups) + " and is " +
            std::to_string(wanted.pipeline.key_groups) + " now; 'stream state reshard' changes it in a savepoint");
  }

  StateFit run() {
    for (const std::string& text : claims_.problems) problem(text);
    for (const StageView& now : wanted_) {
      const auto source = claims_.sources.find(now.spec.name);
      if (source == claims_.sources.end())
        begin(now);
      else
        compare(*find(kept_, source->second), now);
    }
    for (const StageView& before : kept_) {
      if (claims_.claimant(before.spec.name) == nullptr) gone(before);
    }
    for (const StageView& now : wanted_) note_new_target(now);
    return std::move(fit_);
  }

 private:
  // What is pending in an outbox must be written.
  bool matters(const TableSpec& table) const { return !settled_ || table.distribution != Distribution::kOutbox; }

  void problem(const std::string& what) {
    fit_.misfits.push_back(what);
    fit_.problems.push_back(what);
  }
  void misfit(const StageView& stage, const std::string& why) {
    fit_.misfits.push_back("stage '" + stage.spec.name + "': " + why);
  }
  void note(const StageView& stage, const std::string& what) {
    fit_.notes.push_back("stage '" + stage.spec.name + "': " + what);
  }
  TableVerdict& verdict(const StageView& stage, const std::string& table, Verdict verdict, Lines reasons,
                        Lines remedies = {}) {
    for (const std::string& remedy : remedies) {
      if (std::ranges::find(fit_.remedies, remedy) == fit_.remedies.end()) fit_.remedies.push_back(remedy);
    }
    fit_.tables.push_back({stage.spec.name, table, "", verdict, std::move(reasons), std::move(remedies)});
    return fit_.tables.back();
  }

  void begin(const StageView& now) {
    if (now.state().empty()) return;
    fit_.notes.push_back("stage '" + now.spec.name + "' is new: it begins without state");
    for (const TableSpec& table : now.state()) verdict(now, table.name, Verdict::kNew, {"the stage is new"});
  }

  void gone(const StageView& before) {
    if (before.state().empty()) return;
    const bool pending = before.sink() && !settled_;
    if (claims_.drops(before.spec.name) || (before.sink() && settled_)) {
      const Lines why = {before.sink() && settled_ ? "the stage is gone, and all it had to write is written"
                         : pending                 ? "dropped on purpose, with rows it had to write still"
                                                   : "dropped on purpose"};
      for (const TableSpec& table : before.state()) verdict(before, table.name, Verdict::kDropped, why);
      return;
    }
    std::string line = "stage '" + before.spec.name + "' is gone";
    line += pending ? ": rows it has to write still would be lost" : ", and its state with it";
    Lines remedies = {evolve(before.spec.name, "{drop: true}")};
    if (const StageView* now = only_new(before)) {
      line += "; is it '" + now->spec.name + "' now?";
      remedies.insert(remedies.begin(), evolve(now->spec.name, "{was: " + before.spec.name + "}"));
    }
    fit_.lost.push_back(line);
    for (const TableSpec& table : before.state()) {
      verdict(before, table.name, Verdict::kIncompatible, {"the stage is gone"}, remedies);
    }
  }

  // Of a result whose rows change a sink hears the changes only.
  void note_new_target(const StageView& now) {
    const bool changes = std::ranges::any_of(
        now.planned.inputs, [](const NamedSchema& input) { return input.schema.changelog != Changelog::kAppend; });
    const std::string target = targets_of(now);
    const auto same = [&](const StageView& before) { return targets_of(before) == target; };
    if (!now.sink() || !changes || now.planned.answer.writes.empty() || std::ranges::any_of(kept_, same)) return;
    note(now, "nothing of this job was written to " + target +
                  " before: only rows that change from here on get there; copy there what was written till now, or "
                  "begin without this state, to have all of them");
  }

  // The one new stage of the same program, if there is just one.
  const StageView* only_new(const StageView& before) const {
    const StageView* only = nullptr;
    for (const StageView& now : wanted_) {
      if (now.spec.run != before.spec.run || claims_.sources.contains(now.spec.name)) continue;
      if (only != nullptr) return nullptr;
      only = &now;
    }
    return only;
  }

  void compare(const StageView& before, const StageView& now) {
    const bool renamed = before.spec.name != now.spec.name;
    const bool dropped = claims_.drops(before.spec.name);
    if (renamed || dropped) fit_.evolutions[now.spec.name] = {renamed ? before.spec.name : "", dropped, {}};
    if (!settled_ && before.sink() && !compare_sinks(before, now)) return;
    if (renamed && !dropped && before.planned.answer.keeps_inbox) return refuse_inbox(before, now);
    if (renamed) note(now, "it goes on with the state of '" + before.spec.name + "'");
    if (dropped) return drop(before, now, "dropped on purpose");
    if (before.spec.run != now.spec.run && before.sink() && settled_) {
      fit_.evolutions[now.spec.name].drop = true;
      return drop(before, now, "all it had to write is written");
    }
    if (before.spec.run != now.spec.run) return compare_programs(before, now);
    const Columns columns(claims_.entries, now.spec.name);
    TableMatches matches{columns, std::vector<bool>(columns.of_stage.size(), false), {}};
    for (const TableSpec& table : before.state()) compare_table(before, now, table, matches);
    for (const TableSpec& table : now.state()) begin_table(now, table);
    report_unmatched(before, now, matches);
  }

  // What was prepared for one sink is written by the same.
  bool compare_sinks(const StageView& before, const StageView& now) {
    if (before.spec.name != now.spec.name) {
      misfit(now, "it was called '" + before.spec.name + "'" + kSettle);
    } else if (before.spec.run != now.spec.run) {
      misfit(now, "it was " + before.spec.run + " and is " + now.spec.run + " now" + kSettle);
    } else if (targets_of(before) != targets_of(now)) {
      misfit(now, "it wrote to " + targets_of(before) + " and would write to " + targets_of(now) + kSettle);
    } else {
      return true;
    }
    for (const TableSpec& table : before.state()) {
      verdict(now, table.name, Verdict::kIncompatible, {"it has rows to write still"}, {"stop the job as it was"});
    }
    return false;
  }

  // What has come and was not read yet lies in a folder of the stage's name.
  void refuse_inbox(const StageView& before, const StageView& now) {
    const std::string why = "it was called '" + before.spec.name + "', under which what it has received is kept";
    misfit(now, why);
    for (const TableSpec& table : before.state()) {
      verdict(now, table.name, Verdict::kIncompatible, {why}, {"leave the stage its name"});
    }
  }

  void compare_programs(const StageView& before, const StageView& now) {
    if (before.state().empty()) return;
    const std::string why = "it was " + before.spec.run + " and is " + now.spec.run + " now";
    misfit(now, why);
    for (const TableSpec& table : before.state()) {
      verdict(now, table.name, Verdict::kIncompatible, {why}, {evolve(now.spec.name, "{drop: true}")});
    }
    begin_others(before, now);
  }

  // Those no kept table is called as.
  void begin_others(const StageView& before, const StageView& now) {
    for (const TableSpec& table : now.state()) {
      const bool there = std::ranges::find(before.state(), table.name, &TableSpec::name) != before.state().end();
      if (!there) begin_table(now, table);
    }
  }

  void drop(const StageView& before, const StageView& now, const std::string& why) {
    for (const TableSpec& table : before.state()) verdict(now, table.name, Verdict::kDropped, {why});
    begin_others(before, now);
    if (!before.sink()) note(now, "it begins without state, as what was kept is dropped");
  }

  // What the block says of columns: for the stage, and for each table.
  struct Columns {
    Columns(const std::vector<EvolvedStage>& entries, const std::string& stage) : entry(find(entries, stage)) {
      if (entry == nullptr) return;
      for (const EvolvedColumn& column : entry->columns) of_stage.push_back(column.change);
    }
    const EvolvedTable* table(const std::string& name) const {
      return entry == nullptr ? nullptr : find(entry->tables, name);
    }

    const EvolvedStage* entry;
    std::vector<ColumnEvolution> of_stage;
  };
  struct TableMatches {
    const Columns& columns;
    std::vector<bool> of_stage;  // whether some table has what is said of the stage
    Lines names;                 // of all kept columns
  };

  // The table that takes the rows up, by what is said, by its name, or by the name of its stage, which is part of it.
  static std::string taker_of(const StageView& before, const StageView& now, const std::string& kept,
                              const Columns& columns) {
    if (columns.entry != nullptr) {
      for (const EvolvedTable& table : columns.entry->tables) {
        if (table.was == kept) return table.name;
      }
    }
    const std::string stage = state_table_name(before.spec.name);
    if (before.spec.name == now.spec.name || !kept.starts_with(stage)) return kept;
    const std::string follows = state_table_name(now.spec.name) + kept.substr(stage.size());
    const bool there = std::ranges::find(now.state(), follows, &TableSpec::name) != now.state().end();
    return there ? follows : kept;
  }

  void compare_table(const StageView& before, const StageView& now, const TableSpec& kept, TableMatches& matches) {
    for (std::size_t i = 0; i < kept.columns(); ++i) matches.names.push_back(kept.field(i).name);
    if (!matters(kept)) {
      verdict(now, kept.name, Verdict::kKept, {"nothing is pending"});
      return;
    }
    const Columns& columns = matches.columns;
    const EvolvedTable* by_old_name = columns.table(kept.name);
    if (by_old_name != nullptr && by_old_name->drop) {
      fit_.evolutions[now.spec.name].tables[kept.name] = {"", true, {}};
      verdict(now, kept.name, Verdict::kDropped, {"dropped on purpose"});
      done_tables_.insert(now.spec.name + "." + by_old_name->name);
      return;
    }
    const std::string name = taker_of(before, now, kept.name, columns);
    const auto wanted = std::ranges::find(now.state(), name, &TableSpec::name);
    if (wanted == now.state().end()) return lost(before, now, kept);
    const EvolvedTable* entry = columns.table(name);
    TableEvolution evolution{name, false, columns.of_stage};
    if (entry != nullptr) {
      for (const EvolvedColumn& column : entry->columns) evolution.columns.push_back(column.change);
      if (entry->was.empty() || entry->was == kept.name) done_tables_.insert(now.spec.name + "." + name);
    }
    const TableFit fit = fit_table(kept, *wanted, evolution, &sql_language());
    for (std::size_t i = 0; i < fit.matched.size(); ++i) {
      if (!fit.matched[i]) continue;
      if (i < matches.of_stage.size())
        matches.of_stage[i] = true;
      else
        done_columns_.insert(now.spec.name + "." + name + "." + evolution.columns[i].name);
    }
    for (std::size_t i = fit.matched.size(); i-- > 0;) {
      if (!fit.matched[i]) evolution.columns.erase(evolution.columns.begin() + static_cast<std::ptrdiff_t>(i));
    }
    taken_.insert(now.spec.name + "." + name);
    if (!fit.fits()) return misfits(before, now, kept, fit);
    take(before, now, kept, fit, std::move(evolution));
  }

  static std::string origin(const StageView& before, const StageView& now, const TableSpec& kept,
                            const std::string& name) {
    const bool same = before.spec.name == now.spec.name && kept.name == name;
    return same ? "" : before.spec.name + "." + kept.name;
  }

  void lost(const StageView& before, const StageView& now, const TableSpec& kept) {
    const std::string means = kept.definition.empty() ? "" : " (" + kept.definition + ")";
    misfit(now, "state table '" + kept.name + "'" + means + " would be lost");
    verdict(now, kept.name, Verdict::kIncompatible, {"no table takes its rows up" + means},
            {evolve(now.spec.name, "{tables: {" + kept.name + ": {drop: true}}}")})
        .was = origin(before, now, kept, kept.name);
  }

  void misfits(const StageView& before, const StageView& now, const TableSpec& kept, const TableFit& fit) {
    const bool pending = kept.distribution == Distribution::kOutbox;
    Lines reasons;
    Lines remedies;
    for (const TableMisfit& one : fit.misfits) {
      misfit(now, pending ? one.why + kSettle : "state table '" + kept.name + "': " + one.why);
      reasons.push_back(one.why);
      if (pending) continue;
      if (!one.convert.empty()) {
        remedies.push_back(
            evolve(now.spec.name, "{columns: {" + one.column + ": {convert: " + yaml_text(one.convert) + "}}}"));
      }
      remedies.push_back(
          evolve(now.spec.name, one.column.empty() ? "{drop: true}" : "{columns: {" + one.column + ": {drop: true}}}"));
    }
    if (pending) remedies.push_back("stop the job as it was");
    verdict(now, kept.name, Verdict::kIncompatible, std::move(reasons), std::move(remedies));
    fit_.tables.back().was = origin(before, now, kept, kept.name);
  }

  void take(const StageView& before, const StageView& now, const TableSpec& kept, const TableFit& fit,
            TableEvolution evolution) {
    const std::string name = evolution.to;
    const std::string was = origin(before, now, kept, name);
    const bool pending = kept.distribution == Distribution::kOutbox;
    Lines reasons = fit.changes;
    if (!reasons.empty() && !pending) note(now, "state table '" + name + "': " + join(reasons, "; "));
    for (const std::string& text : fit.notes) {
      reasons.push_back(text);
      note(now, "state table '" + name + "': " + text);
    }
    for (const std::string& column : pending ? Lines() : fit.added) {
      reasons.push_back("column '" + column + "' is new and begins empty");
      note(now, "column '" + column + "' of state table '" + name + "' is new: it counts from here on");
    }
    if (!fit.changes.empty() || name != kept.name) fit_.evolutions[now.spec.name].tables[kept.name] = evolution;
    const bool converted = !fit.changes.empty() || !fit.added.empty();
    verdict(now, name,
            converted     ? Verdict::kConverted
            : was.empty() ? Verdict::kKept
                          : Verdict::kRenamed,
            std::move(reasons));
    fit_.tables.back().was = was;
  }

  void begin_table(const StageView& now, const TableSpec& table) {
    if (taken_.contains(now.spec.name + "." + table.name) || !matters(table)) return;
    verdict(now, table.name, Verdict::kNew, {"nothing was kept for it"});
  }

  // An entry that says something of nothing was meant otherwise.
  void report_unmatched(const StageView& before, const StageView& now, const TableMatches& matches) {
    const EvolvedStage* entry = matches.columns.entry;
    if (entry == nullptr) return;
    const std::string of = "': the state of stage '" + before.spec.name + "' has no ";
    for (std::size_t i = 0; i < entry->columns.size(); ++i) {
      if (!matches.of_stage[i]) unmatched(entry->columns[i], before, matches.names);
    }
    for (const EvolvedTable& table : entry->tables) {
      if (!done_tables_.contains(now.spec.name + "." + table.name)) {
        Lines tables;
        for (const TableSpec& kept : before.state()) tables.push_back(kept.name);
        const std::string& name = table.was.empty() ? table.name : table.was;
        problem(to_string(table.at) + ": 'evolve" + of + "table '" + name + "'" + did_you_mean(name, tables));
        continue;
      }
      for (const EvolvedColumn& column : table.columns) {
        if (!done_columns_.contains(now.spec.name + "." + table.name + "." + column.change.name))
          unmatched(column, before, matches.names);
      }
    }
  }

  void unmatched(const EvolvedColumn& column, const StageView& before, const Lines& names) {
    const ColumnEvolution& change = column.change;
    const std::string& name = change.was.empty() ? change.name : change.was;
    const bool there = std::ranges::find(names, name) != names.end();
    problem(to_string(column.at) + ": 'evolve': " +
            (there ? "column '" + name + "' is kept with its values; leave its default out"
                   : "the state of stage '" + before.spec.name + "' has no column '" + name + "'" +
                         did_you_mean(name, names)));
  }

  std::vector<StageView> kept_;
  std::vector<StageView> wanted_;
  StateClaims claims_;
  bool settled_;
  StateFit fit_;
  std::set<std::string> taken_;        // STAGE.TABLE of wanted tables
  std::set<std::string> done_tables_;  // entries that said something of a kept table, or of a column
  std::set<std::string> done_columns_;
};

}  // namespace

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kKept: return "kept";
    case Verdict::kRenamed: return "renamed";
    case Verdict::kConverted: return "converted";
    case Verdict::kNew: return "new";
    case Verdict::kDropped: return "dropped";
    case Verdict::kIncompatible: return "incompatible";
  }
  return "";
}

std::string StateFit::report(const std::string& first) const {
  std::string text = first;
  for (const std::string& line : misfits) text += "\n  " + line;
  for (const std::string& line : lost) text += "\n  " + line + " (--allow-non-restored-state drops it)";
  for (const std::string& line : remedies) text += "\n  remedy: " + line;
  return text;
}

StateFit fit_state(const JobPlan& kept, const JobPlan& wanted, bool settled) {
  return Fitting(kept, wanted, settled).run();
}

}  // namespace stream
