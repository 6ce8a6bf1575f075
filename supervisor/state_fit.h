// StateFit: whether a job may go on, by a changed plan, from the state it has kept, and what becomes of each table.
//
// Arithmetic over two plans: the one the state was written by, which every checkpoint and savepoint holds,
// and the one that is wanted now, with its `evolve:` block. What it says of a table is what instances are told when
// they restore, and they decide about columns as it does, see snapshot/table_fit.h.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "snapshot/evolution.h"
#include "supervisor/plan.h"

namespace stream {

enum class Verdict : std::uint8_t { kKept, kRenamed, kConverted, kNew, kDropped, kIncompatible };

std::string_view verdict_name(Verdict verdict);  // "kept", "renamed", …

struct TableVerdict {
  std::string stage;  // now; of what is gone, then
  std::string table;
  std::string was = {};  // STAGE.TABLE then, where it is another
  Verdict verdict = Verdict::kKept;
  std::vector<std::string> reasons = {};
  std::vector<std::string> remedies = {};  // of what is incompatible; one is enough
};

struct StateFit {
  std::vector<TableVerdict> tables;   // those of the wanted plan in its order, then what nothing takes up
  std::vector<std::string> misfits;   // kept state would be taken for something else, a line each
  std::vector<std::string> lost;      // kept state that nothing takes up any more, a line each
  std::vector<std::string> notes;     // what begins without state, or is converted, a line each
  std::vector<std::string> remedies;  // what would help, a line each
  std::vector<std::string> problems;  // those of the misfits that concern no table
  // By wanted stage, of those that do not take up everything as it was kept.
  std::map<std::string, StageEvolution> evolutions;

  // `drop`: what nothing takes up may be lost.
  bool fits(bool drop) const { return misfits.empty() && (drop || lost.empty()); }
  // misfits and lost, with the ways on, an indented line each behind the `first`.
  std::string report(const std::string& first) const;
};

// `settled`: all that sinks had prepared is written, as in every savepoint. Else they have to finish what they began.
StateFit fit_state(const JobPlan& kept, const JobPlan& wanted, bool settled);

}  // namespace stream
