// What a stage answers when the planner asks: the types behind `--plan`, see stream-plan(7).
//
// Planning reads options and schemas only; it opens nothing but what a source must sample.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "snapshot/table_spec.h"
#include "stages/kit/option.h"
#include "transport/record/schema.h"

namespace stream {

// How the rows of an input must be spread over the instances of the stage.
enum class Partition : std::uint8_t {
  kAny,        // no demand: forward if both sides have equal parallelism, else rebalance
  kHash,       // rows of one key to one instance
  kBroadcast,  // every row to every instance
  kSingle,     // every row to instance 0
};

// What becomes of the rows that tell what an update replaces. Where nobody reads them they are not made.
enum class UpdateBefore : std::uint8_t {
  kRead,    // the stage looks at them, or cannot tell whether
  kPassed,  // they go to its outputs, and of a row alone its update-after does: read if a reader there does
  kUnread,  // by the input's unique key the stage knows what an update-after replaces
};

// A state table as shown to users: `stream explain`, savepoints, `check --against`.
using StateTablePlan = TableSpec;

struct PlanInput {
  std::string name;  // the name in `from:`, or of the upstream stage
  Schema schema;
};

// The beginning of standard input, for a stage that asked for it.
struct PlanSample {
  std::string bytes;
  bool complete = false;   // the input has ended: its last record needs no line end
  bool exhausted = false;  // no more will be given, however often it is asked for
};

struct PlanRequest {
  const Values& options;
  std::vector<PlanInput> inputs;
  std::string folder;  // absolute; relative paths in options start here
  std::uint32_t parallelism = 1;
  std::string stage = {};  // name in the manifest, or of the program outside a job
  bool supervised = true;  // part of a job
  std::optional<PlanSample> sample = {};
};

struct ColumnRef {
  std::size_t input = 0;
  std::string column;
};

struct OutputPlan {
  std::string name;  // "out" is the default output
  Schema schema;
  // For each field, the input columns it is computed from. The planner asks an input for the
  // lineage of the fields used downstream and for InputPlan::needs.
  std::vector<std::vector<ColumnRef>> lineage;
};

struct InputPlan {
  std::vector<std::string> needs;  // columns needed whatever is used downstream
  Partition partition = Partition::kAny;
  std::vector<std::string> partition_columns;  // kHash
  UpdateBefore update_before = UpdateBefore::kRead;
};

// Rows of one key may be combined before they are spread over instances: the planner puts a stage of the same program
// in front of this one, where that is a hop between several instances. Options, name to text.
struct PlanCombining {
  std::map<std::string, std::string> partial;  // of the stage in front, which has this one's options besides
  std::map<std::string, std::string> final;    // that this stage gets besides its own
  std::vector<std::string> unless_read;        // outputs that need the rows as they were
  bool asked = false;                          // by the user: if it cannot be, that is worth a warning
};

// What is wrong with an option, and where: `offset` counts bytes from the start of its text.
struct PlanError {
  std::string option;
  std::size_t offset = 0;
  std::string message;
  std::string hint;  // "did you mean 'status'?", or ""
};

// Whether it is wrong whatever columns the input has: what is missing may be there once the input is known.
bool wrong_for_any_input(const PlanError& error);

// A file, or a folder of files, that a sink will make or write.
struct PlanTarget {
  std::string option;  // that names it
  std::string path;    // absolute
  bool folder = false;
  std::string part = {};  // of the file: "table errors"; "" = all
};

// What a sink can do with what it has committed, when a job goes back.
enum class GoesBack : std::uint8_t {
  kNothing,   // there is nothing to take back
  kAll,       // takes all of it back
  kInserted,  // takes back what is new; what has been replaced since stays replaced
  kNone,      // can take nothing back
};
std::string_view goes_back_name(GoesBack goes_back);  // "nothing", "all", "inserted", "none"

struct PlanAnswer {
  std::vector<OutputPlan> outputs;
  std::vector<InputPlan> inputs;
  std::vector<StateTablePlan> state;
  bool exactly_once = true;  // a sink or source that is only at-least-once says false
  std::string visible;       // sinks: when rows become visible, for `explain`
  GoesBack goes_back = GoesBack::kNothing;
  std::string replayed;  // how results may differ when rows are processed again, for `explain`; "": they do not
  std::uint32_t parallelism_max = 0;  // 0 = no limit
  std::string parallelism_why;        // of a limit: "there is one standard output"
  bool reads_stdin = false;           // a source that reads standard input, which a job spools for it
  bool keeps_inbox = false;  // a source that gets a folder of its own to spool in what cannot be asked for again
  // Not 0: cannot answer without a sample of standard input, of at most so many bytes; ask again with one.
  std::uint64_t sample_bytes = 0;
  // Options, name to text, for what was found by looking at the sample: the job keeps them, and the stage gets
  // them as if they had been written, so that nothing has to be found again.
  std::map<std::string, std::string> fixed;
  // A filter stage whose condition is total and deterministic: the producer may apply it first.
  std::optional<std::string> pushed_filter;
  std::optional<PlanCombining> combining;
  std::vector<PlanTarget> writes;  // planning refuses what cannot be written
  // The answer follows from the request alone: nothing was looked at, so it may be kept and given again.
  bool cacheable = false;
  std::vector<std::string> warnings;
  std::vector<PlanError> errors;
};

}  // namespace stream
