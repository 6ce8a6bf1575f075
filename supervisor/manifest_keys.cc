#include "supervisor/manifest_keys.h"

#include <algorithm>

#include "supervisor/savepoint_rules.h"
#include "transport/base/check.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::string_view kLevels = "trace|debug|info|warning|error";

constexpr ManifestKey kParameterKeys[] = {
    {.name = "type", .doc = "A SQL type, or duration, size or secret.", .fallback = "varchar"},
    {.name = "default",
     .doc = "Its value where -p NAME=VALUE is not given; without one it must be.",
     .kind = KeyKind::kValue},
    {.name = "doc", .doc = "What it is for.", .kind = KeyKind::kValue},
};

constexpr ManifestKey kIncludeKeys[] = {
    {.name = "file", .doc = "Path of the file.", .required = true},
    {.name = "parameters",
     .doc = "Values of its parameters: a map from a name to a value.",
     .kind = KeyKind::kNamed,
     .instead = KeyKind::kValue},
    {.name = "from", .doc = "What its stages read as 'input'.", .kind = KeyKind::kInput},
};

constexpr ManifestKey kCheckpointKeys[] = {
    {.name = "interval",
     .doc = "Time between checkpoints; none: only those that are asked for.",
     .kind = KeyKind::kDuration,
     .fallback = "1s",
     .choices = "none"},
    {.name = "timeout",
     .doc = "A checkpoint that takes longer is given up.",
     .kind = KeyKind::kDuration,
     .fallback = "10m"},
    {.name = "min-pause",
     .doc = "The least time between the end of one and the begin of the next.",
     .kind = KeyKind::kDuration,
     .fallback = "0s"},
    {.name = "keep", .doc = "How many are kept.", .kind = KeyKind::kCount, .fallback = "3", .least = 1, .most = 1000},
    {.name = "path", .doc = "Folder to keep them in, as PATH/JOB; not set: the job's own."},
    {.name = "mode",
     .doc = "at-least-once does not hold back the inputs that are ahead.",
     .kind = KeyKind::kChoice,
     .fallback = "exactly-once",
     .choices = "exactly-once|at-least-once"},
};

constexpr ManifestKey kRestartKeys[] = {
    {.name = "strategy",
     .doc = "When a job that failed is started again.",
     .kind = KeyKind::kChoice,
     .fallback = "exponential-delay",
     .choices = "none|fixed-delay|failure-rate|exponential-delay"},
    {.name = "attempts",
     .doc = "Failures without a completed checkpoint between them that end the job.",
     .kind = KeyKind::kCount,
     .fallback = "10",
     .only = "fixed-delay|exponential-delay",
     .least = 1,
     .most = 1'000'000},
    {.name = "failures",
     .doc = "More than so many within the time end the job.",
     .kind = KeyKind::kCount,
     .fallback = "3",
     .only = "failure-rate",
     .least = 1,
     .most = 1'000'000},
    {.name = "within",
     .doc = "The time in which failures are counted.",
     .kind = KeyKind::kDuration,
     .fallback = "1m",
     .only = "failure-rate"},
    {.name = "delay",
     .doc = "Time before a restart.",
     .kind = KeyKind::kDuration,
     .fallback = "1s",
     .only = "fixed-delay|failure-rate"},
    {.name = "initial",
     .doc = "Time before the second restart without a completed checkpoint; the first is at once.",
     .kind = KeyKind::kDuration,
     .fallback = "100ms",
     .only = "exponential-delay"},
    {.name = "max",
     .doc = "The longest time before a restart.",
     .kind = KeyKind::kDuration,
     .fallback = "30s",
     .only = "exponential-delay"},
    {.name = "multiplier",
     .doc = "By how much the time grows from one to the next, at least 1.",
     .kind = KeyKind::kNumber,
     .fallback = "2",
     .only = "exponential-delay",
     .least = 1},
    {.name = "jitter",
     .doc = "Share of the time that is left to chance, 0 to 1.",
     .kind = KeyKind::kNumber,
     .fallback = "0.1",
     .only = "exponential-delay",
     .most = 1},
    {.name = "heartbeat",
     .doc = "How long an instance may show no progress before it counts as failed, at least 1ms.",
     .kind = KeyKind::kDuration,
     .fallback = "10s"},
};

constexpr ManifestKey kWas = {.name = "was", .doc = "The name it had."};
constexpr ManifestKey kDrop = {
    .name = "drop", .doc = "true discards what was kept of it.", .kind = KeyKind::kChoice, .choices = "true"};

constexpr ManifestKey kColumnKeys[] = {
    kWas,
    kDrop,
    {.name = "convert", .doc = "Expression over the row as it was kept.", .kind = KeyKind::kValue},
    {.name = "default", .doc = "Value of a column that nothing was kept for.", .kind = KeyKind::kValue},
};

constexpr ManifestKey kColumns = {.name = "columns",
                                  .doc = "What becomes of columns: a map by the names they have now.",
                                  .kind = KeyKind::kNamed,
                                  .keys = kColumnKeys};

constexpr ManifestKey kTableKeys[] = {kWas, kDrop, kColumns};

constexpr ManifestKey kEvolveKeys[] = {
    kWas,
    kDrop,
    kColumns,
    {.name = "tables",
     .doc = "The same for single state tables: a map by the names they have now.",
     .kind = KeyKind::kNamed,
     .keys = kTableKeys},
};

constexpr ManifestKey kGivenKeys[] = {
    {.name = "rows",
     .doc = "Maps from column to value, texts, or watermark: TIME.",
     .kind = KeyKind::kRows,
     .required = true},
    {.name = "schema", .doc = "Names and types of the columns.", .kind = KeyKind::kTexts},
    {.name = "time", .doc = "Column that holds the event time.", .kind = KeyKind::kTexts},
    {.name = "out-of-order", .doc = "How far event times may run behind.", .kind = KeyKind::kTexts},
    {.name = "key", .doc = "Columns that identify a row.", .kind = KeyKind::kTexts},
    {.name = "changes", .doc = "Whether the rows are changes.", .kind = KeyKind::kFlag},
};

constexpr ManifestKey kExpectKeys[] = {
    {.name = "rows", .doc = "Maps from column to value.", .kind = KeyKind::kRows, .required = true},
    {.name = "ordered", .doc = "Whether they must come in this order.", .kind = KeyKind::kFlag, .fallback = "false"},
};

constexpr ManifestKey kTestKeys[] = {
    {.name = "name", .doc = "What it shows.", .kind = KeyKind::kValue, .required = true},
    {.name = "given",
     .doc = "Rows of sources, or of the inputs of other stages.",
     .kind = KeyKind::kNamed,
     .keys = kGivenKeys,
     .instead = KeyKind::kRows},
    {.name = "expect",
     .doc = "Rows of stages and named outputs; of a sink those that reach it.",
     .kind = KeyKind::kNamed,
     .keys = kExpectKeys,
     .instead = KeyKind::kRows,
     .required = true},
};

constexpr ManifestKey kParameters = {.name = "parameters",
                                     .doc = "Values that are given as -p NAME=VALUE and used as ${NAME}.",
                                     .kind = KeyKind::kNamed,
                                     .keys = kParameterKeys,
                                     .names = true};
constexpr ManifestKey kInclude = {.name = "include",
                                  .doc = "Stages from other files: a map from a name to a file.",
                                  .kind = KeyKind::kNamed,
                                  .keys = kIncludeKeys,
                                  .instead = KeyKind::kText,
                                  .names = true};
constexpr ManifestKey kStages = {
    .name = "stages", .doc = "The stages, in order.", .kind = KeyKind::kStages, .required = true};

constexpr ManifestKey kManifestKeys[] = {
    // May be given as --name instead.
    {.name = "pipeline", .doc = "Name of the job.", .kind = KeyKind::kName},
    kParameters,
    kInclude,
    {.name = "checkpoint",
     .doc = "How often the job saves its state.",
     .kind = KeyKind::kKeys,
     .keys = kCheckpointKeys},
    {.name = "restart", .doc = "What happens when it fails.", .kind = KeyKind::kKeys, .keys = kRestartKeys},
    {.name = "savepoints",
     .doc = "Savepoints that it makes by itself, and those that go again.",
     .kind = KeyKind::kKeys,
     .keys = kSavepointKeys},
    {.name = "key-groups",
     .doc = "Units in which keyed state moves between instances; cannot be changed later.",
     .kind = KeyKind::kCount,
     .fallback = "1024",
     .least = 1,
     .most = 32'768},
    {.name = "memory",
     .doc = "Bound of all instances together, such as 1GiB, at least 32MiB for each; not set: the sum of their own.",
     .kind = KeyKind::kSize},
    {.name = "log",
     .doc = "Least severe level that is logged.",
     .kind = KeyKind::kChoice,
     .fallback = "info",
     .choices = kLevels},
    {.name = "align",
     .doc = "How far sources may be apart in event time; not set: as far as they like.",
     .kind = KeyKind::kDuration},
    kStages,
    {.name = "evolve",
     .doc = "What becomes of kept state where the pipeline has changed: a map of stages by the names they have now.",
     .kind = KeyKind::kNamed,
     .keys = kEvolveKeys},
    {.name = "tests", .doc = "Given rows and what is expected of them.", .kind = KeyKind::kList, .keys = kTestKeys},
};

constexpr ManifestKey kFragmentKeys[] = {
    {.name = "fragment", .doc = "A name, for readers.", .kind = KeyKind::kValue},
    kParameters,
    kInclude,
    kStages,
    {.name = "output",
     .doc = "The stage that others read who name the include, or a map from a name to one; not set: the last.",
     .kind = KeyKind::kInput},
};

}  // namespace

std::span<const ManifestKey> manifest_keys() { return kManifestKeys; }
std::span<const ManifestKey> fragment_keys() { return kFragmentKeys; }

std::span<const ManifestKey> keys_of(std::string_view path) {
  std::span<const ManifestKey> keys = kManifestKeys;
  for (const std::string& name : split(path, '.')) keys = key_of(keys, name).keys;
  return keys;
}

const ManifestKey& key_of(std::span<const ManifestKey> keys, std::string_view name) {
  const auto it = std::ranges::find(keys, name, &ManifestKey::name);
  STREAM_CHECK(it != keys.end());
  return *it;
}

std::vector<std::string> names_of(std::span<const ManifestKey> keys) {
  std::vector<std::string> names;
  for (const ManifestKey& key : keys) names.emplace_back(key.name);
  return names;
}

std::vector<std::string> choices_of(const ManifestKey& key) {
  return key.choices.empty() ? std::vector<std::string>() : split(key.choices, '|');
}

}  // namespace stream
