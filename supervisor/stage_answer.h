// The planning protocol, stream-plan(7), seen from the supervisor: what is asked of a stage and
// what it answers. The stages' side has its own types; the JSON between them is the interface.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "snapshot/table_spec.h"
#include "supervisor/stage_info.h"
#include "transport/record/schema.h"

namespace stream {

// How rows of an input must be spread over the instances of a stage.
enum class Spread : std::uint8_t { kAny, kHash, kBroadcast, kSingle };

struct NamedSchema {
  std::string name = {};
  Schema schema = {};
};

// The beginning of standard input, for a stage that asked for it.
struct InputSample {
  std::string text = {};
  bool complete = false;   // the input has ended
  bool exhausted = false;  // there will not be more to look at
};

// Options, name to text, that a stage wants to be kept for it: what it found by looking at its input.
using FixedOptions = std::map<std::string, std::string>;

// The options, a JSON object, with those of `fixed` that it lacks.
std::string options_with(const std::string& options, const FixedOptions& fixed);

struct StageQuestion {
  std::string stage = {};      // name in the manifest
  std::string run = {};        // its program
  std::string options = "{}";  // JSON object
  std::vector<NamedSchema> inputs = {};
  std::string folder = {};
  std::uint32_t parallelism = 1;
  std::optional<InputSample> sample = std::nullopt;
};

struct InputColumn {
  std::size_t input = 0;
  std::string column = {};
};

struct AnsweredOutput {
  std::string name = {};
  Schema schema = {};
  std::vector<std::vector<InputColumn>> lineage = {};  // one list a field
};

// Whether the rows that tell what an update replaces matter to a stage.
enum class BeforeRows : std::uint8_t { kRead, kPassed, kUnread };

struct AnsweredInput {
  std::vector<std::string> needs = {};
  Spread spread = Spread::kAny;
  std::vector<std::string> columns = {};  // kHash
  BeforeRows update_before = BeforeRows::kRead;
};

// Rows may be combined before they are spread: by a stage of the same program, put in front of this one.
struct AnsweredCombining {
  FixedOptions partial = {};                  // of the stage in front, besides this one's
  FixedOptions final = {};                    // of this one, besides its own
  std::vector<std::string> unless_read = {};  // outputs that need the rows as they were
  bool asked = false;                         // by the user
};

struct AnsweredError {
  std::string option = {};
  std::size_t offset = 0;
  std::string message = {};
  std::string hint = {};
  bool any_input = false;  // wrong whatever columns the input has
};

// A file, or a folder of files, that a sink will make or write.
struct AnsweredTarget {
  std::string option = {};
  std::string path = {};  // absolute
  bool folder = false;
  std::string part = {};  // of the file: "table errors"; "" = all
};

struct StageAnswer {
  std::vector<AnsweredOutput> outputs = {};
  std::vector<AnsweredInput> inputs = {};
  std::vector<TableSpec> state = {};
  bool exactly_once = true;
  std::string visible = {};
  std::string goes_back = {};  // a sink: "all", "inserted" or "none" of what it has committed; "": there is nothing
  std::string replayed = {};
  std::uint32_t parallelism_max = 0;
  std::string parallelism_why = {};
  std::optional<std::string> pushed_filter = std::nullopt;
  std::optional<AnsweredCombining> combining = std::nullopt;
  bool reads_stdin = false;
  bool keeps_inbox = false;
  std::uint64_t sample_bytes = 0;  // not 0: ask again with a sample of standard input, of at most so many bytes
  FixedOptions fixed = {};
  std::vector<AnsweredTarget> writes = {};
  bool cacheable = false;  // follows from the question alone
  std::vector<std::string> warnings = {};
  std::vector<AnsweredError> errors = {};
};

std::string question_to_json(const StageQuestion& question);
std::string answer_to_json(const StageAnswer& answer);
// Errors: kCorrupt, naming the field; lineage that does not fit the inputs as well.
Result<StageAnswer> answer_from_json(std::string_view json);

std::string_view spread_name(Spread spread);

// Asks a stage. The planner knows stages only through this.
class StageAsker {
 public:
  virtual ~StageAsker() = default;
  virtual Result<StageAnswer> ask(const StageInfo& info, const StageQuestion& question) = 0;
};

}  // namespace stream
