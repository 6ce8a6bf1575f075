// What an executable says about itself (`--describe`, stream-plan(7)), as the supervisor sees it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/status.h"

namespace stream {

struct OptionInfo {
  std::string name = {};
  std::string kind = {};  // "text", "flag", "select", …: stream-plan(7)
  std::string arg = {};
  std::string doc = {};
  std::string fallback = {};
  std::vector<std::string> choices = {};
  bool positional = false;
  bool required = false;
  bool repeated = false;
};

enum class StageRole : std::uint8_t { kSource, kOperator, kSink };

struct StageInfo {
  std::string name = {};
  std::string version = {};
  std::string summary = {};
  StageRole role = StageRole::kOperator;
  std::size_t inputs_max = 1;
  std::vector<std::string> outputs = {};
  std::vector<OptionInfo> options = {};  // its own, without the reserved ones
  std::string executable = {};           // absolute path

  const OptionInfo* find(std::string_view option) const;  // its own, then the reserved ones
  std::vector<std::string> option_names() const;          // both
};

// Reserved on every stage: those that reach the stage (time, …) and those the supervisor acts on
// (run, from, parallelism, memory, log).
std::span<const OptionInfo> reserved_options();
bool reaches_stage(std::string_view option);  // false for what the supervisor acts on
// Of the reserved ones those about reading records: within a job only a source acts on them.
std::span<const std::string_view> reading_options();

// Says that a stage has no option `name`, which is `written` so; some names are kept for later.
std::string no_option(const StageInfo& stage, const std::string& name, std::string_view written);

std::string_view role_name(StageRole role);

// Errors: kCorrupt, naming the field.
Result<StageInfo> stage_info_from_json(std::string_view json);

// The stage programs there are.
class Catalogue {
 public:
  virtual ~Catalogue() = default;
  // Null if there is none of this name. Errors: kFailed if it does not describe itself.
  virtual Result<const StageInfo*> find(std::string_view name) = 0;
  virtual std::vector<std::string> names() = 0;  // sorted
};

}  // namespace stream
