// LookupDesign: what a lookup computes from rows of the input and of the reference. Planning and running derive
// it from the same options, so that they agree.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stages/expression/lookup_condition.h"
#include "stages/expression/select_list.h"
#include "stages/kit/plan.h"
#include "stages/lookup/reference.h"

namespace stream {

struct LookupDesign {
  Schema joint;                   // columns of the input, then of the reference; names may come twice
  std::size_t input_columns = 0;  // so many of them are the input's
  LookupCondition condition;
  std::vector<SelectedColumn> columns;  // over `joint`
  bool left = false;                    // rows without a partner come with NULLs in place of one

  // Of the reference, only what is needed is read.
  Schema read;                            // the columns that are
  std::vector<std::size_t> joint_of;      // of `read` -> of `joint`
  std::vector<std::size_t> key;           // of `read`: position i is equal to condition.equal[i]
  std::optional<std::size_t> version;     // of `read`: from when on a row is valid
  std::optional<std::size_t> event_time;  // of the input; set with `version`
};

// `wanted`: names of the output's columns that are read; null: all are. nullopt with `error` set where the options
// are wrong for this input and reference.
std::optional<LookupDesign> design_lookup(const Values& options, const PlanInput& input, const Reference& reference,
                                          const Schema& columns, const std::vector<std::string>* wanted,
                                          PlanError* error);

}  // namespace stream
