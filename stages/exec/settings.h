// What the options of stream-exec say, for planning and for running.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stages/exec/exchange.h"
#include "stages/format/options.h"
#include "stages/kit/plan.h"

namespace stream {

struct ExecSettings {
  ExecMode mode = ExecMode::kBatch;
  std::vector<std::string> words;  // program and arguments
  std::string name;                // of the command, for messages
  FormatOptions format;
  Schema results;
  std::vector<std::size_t> by;
  std::size_t text_column = 0;  // format text: the one that is given
};

// nullopt with `error` set where the options are wrong for this input.
std::optional<ExecSettings> exec_settings(const Values& options, const Schema& input, PlanError* error);
PlanAnswer plan_exec(const PlanRequest& request);

}  // namespace stream
