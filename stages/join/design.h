// JoinDesign: what a join computes and where it keeps its inputs. Planning and running derive it from
// the same options, so that they agree.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "snapshot/table_spec.h"
#include "stages/expression/join_condition.h"
#include "stages/expression/select_list.h"
#include "stages/kit/plan.h"

namespace stream {

inline constexpr std::size_t kNone = SIZE_MAX;

// What tells the kept rows of one input apart, beside the columns it is joined by.
enum class RowIdentity : std::uint8_t {
  kSequence,  // a number given on arrival: rows are never taken back
  kKey,       // the input's unique key
  kContent,   // everything: rows may be taken back and have no key; equal ones are counted
};

// One of the two inputs. Columns are those of `schema` unless said otherwise.
struct JoinSide {
  std::string name;             // in `from:`
  Schema schema;                // what it is pruned to
  std::vector<std::size_t> on;  // joined by these: position i equals position i of the other side
  bool padded = false;          // its rows without a partner come with NULLs in place of one

  // A row finds no partner any more once the watermark is further than this behind its time. `settled`:
  // for certain, by the condition; else because `ttl` says so.
  std::optional<Microseconds> kept;
  bool settled = false;
  bool late_matters = false;  // partners of a late row may have been dropped

  RowIdentity identity = RowIdentity::kSequence;
  TableSpec table;
  std::vector<std::size_t> key;      // the columns in the table's key, behind `on`
  std::vector<std::size_t> columns;  // of `schema` -> of the table
  std::size_t sequence = kNone;      // column of the table, for kSequence
  std::size_t copies = kNone;        // column of the table, for kContent
  std::size_t matches = kNone;       // column of the table: how many partners it has, if padded
};

struct JoinDesign {
  std::array<JoinSide, 2> sides;
  Schema joint;  // columns of the left side, then of the right one; names may come twice
  JoinCondition condition;
  std::vector<SelectedColumn> columns;  // over `joint`
  bool updates = false;                 // rows of the output may be taken back
  // The output's time is that of the left or right side, if either; rows come so much behind the watermark.
  std::optional<std::size_t> time;  // position in `columns`
  Microseconds delay = 0;
  std::vector<std::size_t> key;  // positions in `columns`; empty: none known

  std::size_t first(std::size_t side) const { return side == 0 ? 0 : sides[0].schema.fields.size(); }
};

// nullopt with `error` set where the options are wrong for these inputs.
std::optional<JoinDesign> design_join(const Values& options, const std::vector<PlanInput>& inputs,
                                      const std::string& stage, PlanError* error);

}  // namespace stream
