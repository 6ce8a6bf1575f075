#include "supervisor/manifest_keys.h"

#include <algorithm>

#include "supervisor/manifest_autoscale.h"
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
     .kind = KeyShape::kValue},
    {.name = "doc", .doc = "What it is for.", .kind = KeyShape::kValue},
};

constexpr ManifestKey kIncludeKeys[] = {
    {.name = "file", .doc = "Path of the file.", .required = true},
    {.name = "parameters",
     .doc = "Values of its parameters: a map from a name to a value.",
     .kind = KeyShape::kNamed,
     .instead = KeyShape::kValue},
    {.name = "from", .doc = "What its stages read as 'input'.", .kind = KeyShape::kInput},
};

constexpr ManifestKey kCheckpointKeys[] = {
    {.name = "interval",
     .doc = "Time between checkpoints; none: only those that are asked for.",
     .kind = KeyShape::kDuration,
     .fallback = "1s",
     .choices = "none"},
    {.name = "timeout",
     .doc = "A checkpoint that takes longer is given up.",
     .kind = KeyShape::kDuration,
     .fallback = "10m"},
    {.name = "min-pause",
     .doc = "The least time between the end of one and the begin of the next.",
     .kind = KeyShape::kDuration,
     .fallback = "0s"},
    {.name = "keep", .doc = "How many are kept.", .kind = KeyShape::kCount, .fallback = "3", .least = 1, .most = 1000},
    {.name = "path", .doc = "Folder, or s3://bucket/prefix, to keep them in, as PATH/JOB; not set: the job's own."},
    {.name = "mode",
     .doc = "at-least-once does not hold back the inputs that are ahead.",
     .kind = KeyShape::kChoice,
     .fallback = "exactly-once",
     .choices = "exactly-once|at-least-once"},
};

constexpr ManifestKey kHostKeys[] = {
    {.name = "address",
     .doc = "Name or number under which the others reach it; of this host a number, such as 10.0.0.1.",
     .required = true},
    {.name = "via",
     .doc = "How instances are started there: over ssh; on the supervisor's own host, as its children; or in a Pod of "
            "Kubernetes that the supervisor makes.",
     .kind = KeyShape::kChoice,
     .fallback = "ssh",
     .choices = "ssh|local|pod"},
    {.name = "cpus", .doc = "Of a Pod: the CPUs it asks for, such as 2 or 0.5.", .kind = KeyShape::kNumber},
    {.name = "memory",
     .doc = "Of a Pod: the memory it asks for, and may use at most, such as 2GiB.",
     .kind = KeyShape::kSize},
    {.name = "count",
     .doc = "How many such Pods: hosts NAME-1, NAME-2 and so on, all with the label NAME.",
     .kind = KeyShape::kCount,
     .least = 1,
     .most = 1000},
    {.name = "user", .doc = "Whom to log in as; not set: as ssh has it."},
    {.name = "port",
     .doc = "Port of its ssh server; not set: as ssh has it.",
     .kind = KeyShape::kCount,
     .least = 1,
     .most = 65'535},
    {.name = "ssh-options",
     .doc = "Further arguments of ssh, such as [-i, /etc/stream/key].",
     .kind = KeyShape::kTexts},
    {.name = "programs", .doc = "Folder of our programs there; not set: the same as here."},
    {.name = "folder",
     .doc = "Folder there for what its instances keep while they run; not set: below the state folder of the user."},
    {.name = "slots",
     .doc = "The most instances it takes; where all hosts have it, 'spread' gives each its share.",
     .kind = KeyShape::kCount,
     .least = 1,
     .most = 100'000},
    {.name = "labels", .doc = "Words that stages may name in place of hosts.", .kind = KeyShape::kTexts},
};

constexpr ManifestKey kSlurmKeys[] = {
    {.name = "nodes", .doc = "How many nodes: a number, or the least and the most, such as 2-4.", .fallback = "1"},
    {.name = "partition", .doc = "Partition; not set: the cluster's default."},
    {.name = "account", .doc = "Account; not set: the user's default."},
    {.name = "time", .doc = "Time limit; not set: that of the partition.", .kind = KeyShape::kDuration},
    {.name = "cpus",
     .doc = "CPUs of each node; not set: one for each instance that it gets.",
     .kind = KeyShape::kCount,
     .least = 1,
     .most = 100'000},
    {.name = "memory",
     .doc = "Memory of each node; not set: the bounds of the instances that it gets, and 256MiB.",
     .kind = KeyShape::kSize},
    {.name = "grace",
     .doc = "How long before its time limit the job stops with a savepoint.",
     .kind = KeyShape::kDuration,
     .fallback = "2m"},
    {.name = "at-limit",
     .doc = "What it does then: end, or wait in the queue to go on.",
     .kind = KeyShape::kChoice,
     .fallback = "stop",
     .choices = "stop|requeue"},
    {.name = "folder",
     .doc = "Folder on each node for what instances keep while they run; not set: below the state folder of the user."},
    {.name = "options", .doc = "Further options of sbatch, such as [--qos=high].", .kind = KeyShape::kTexts},
};

constexpr ManifestKey kLogFormat = {.name = "format",
                                    .doc = "text, or json with all fields.",
                                    .kind = KeyShape::kChoice,
                                    .fallback = "text",
                                    .choices = "text|json"};
constexpr ManifestKey kLogLevel = {.name = "level",
                                   .doc = "Least severe level that goes there.",
                                   .kind = KeyShape::kChoice,
                                   .fallback = "trace",
                                   .choices = kLevels};

constexpr ManifestKey kFileSinkKeys[] = {
    {.name = "size", .doc = "How large it grows before it makes room.", .kind = KeyShape::kSize, .fallback = "16MiB"},
    {.name = "keep",
     .doc = "How many files there are.",
     .kind = KeyShape::kCount,
     .fallback = "5",
     .least = 2,
     .most = 10},
};
constexpr ManifestKey kStderrSinkKeys[] = {kLogFormat, kLogLevel};
constexpr ManifestKey kSyslogSinkKeys[] = {
    kLogFormat,
    kLogLevel,
    {.name = "address", .doc = "Path of its socket, or HOST:PORT of a far one.", .fallback = "/dev/log"},
    {.name = "facility",
     .doc = "What the lines are about.",
     .kind = KeyShape::kChoice,
     .fallback = "daemon",
     .choices = "user|daemon|local0|local1|local2|local3|local4|local5|local6|local7"},
};
constexpr ManifestKey kJournaldSinkKeys[] = {
    kLogLevel,
    {.name = "address", .doc = "Path of its socket.", .fallback = "/run/systemd/journal/socket"},
};

constexpr ManifestKey kLogToKeys[] = {
    {.name = "file", .doc = "The files that 'stream logs' reads.", .kind = KeyShape::kKeys, .keys = kFileSinkKeys},
    {.name = "stderr", .doc = "Standard error.", .kind = KeyShape::kKeys, .keys = kStderrSinkKeys},
    {.name = "syslog", .doc = "Syslog.", .kind = KeyShape::kKeys, .keys = kSyslogSinkKeys},
    {.name = "journald", .doc = "The journal of systemd.", .kind = KeyShape::kKeys, .keys = kJournaldSinkKeys},
};

constexpr ManifestKey kRestartKeys[] = {
    {.name = "strategy",
     .doc = "When a job that failed is started again.",
     .kind = KeyShape::kChoice,
     .fallback = "exponential-delay",
     .choices = "none|fixed-delay|failure-rate|exponential-delay"},
    {.name = "attempts",
     .doc = "Failures without a completed checkpoint between them that end the job.",
     .kind = KeyShape::kCount,
     .fallback = "10",
     .only = "fixed-delay|exponential-delay",
     .least = 1,
     .most = 1'000'000},
    {.name = "failures",
     .doc = "More than so many within the time end the job.",
     .kind = KeyShape::kCount,
     .fallback = "3",
     .only = "failure-rate",
     .least = 1,
     .most = 1'000'000},
    {.name = "within",
     .doc = "The time in which failures are counted.",
     .kind = KeyShape::kDuration,
     .fallback = "1m",
     .only = "failure-rate"},
    {.name = "delay",
     .doc = "Time before a restart.",
     .kind = KeyShape::kDuration,
     .fallback = "1s",
     .only = "fixed-delay|failure-rate"},
    {.name = "initial",
     .doc = "Time before the second restart without a completed checkpoint; the first is at once.",
     .kind = KeyShape::kDuration,
     .fallback = "100ms",
     .only = "exponential-delay"},
    {.name = "max",
     .doc = "The longest time before a restart.",
     .kind = KeyShape::kDuration,
     .fallback = "30s",
     .only = "exponential-delay"},
    {.name = "multiplier",
     .doc = "By how much the time grows from one to the next, at least 1.",
     .kind = KeyShape::kNumber,
     .fallback = "2",
     .only = "exponential-delay",
     .least = 1},
    {.name = "jitter",
     .doc = "Share of the time that is left to chance, 0 to 1.",
     .kind = KeyShape::kNumber,
     .fallback = "0.1",
     .only = "exponential-delay",
     .most = 1},
    {.name = "heartbeat",
     .doc = "How long an instance may show no progress before it counts as failed, at least 1ms.",
     .kind = KeyShape::kDuration,
     .fallback = "10s"},
};

constexpr ManifestKey kWas = {.name = "was", .doc = "The name it had."};
constexpr ManifestKey kDrop = {
    .name = "drop", .doc = "true discards what was kept of it.", .kind = KeyShape::kChoice, .choices = "true"};

constexpr ManifestKey kColumnKeys[] = {
    kWas,
    kDrop,
    {.name = "convert", .doc = "Expression over the row as it was kept.", .kind = KeyShape::kValue},
    {.name = "default", .doc = "Value of a column that nothing was kept for.", .kind = KeyShape::kValue},
};

constexpr ManifestKey kColumns = {.name = "columns",
                                  .doc = "What becomes of columns: a map by the names they have now.",
                                  .kind = KeyShape::kNamed,
                                  .keys = kColumnKeys};

constexpr ManifestKey kTableKeys[] = {kWas, kDrop, kColumns};

constexpr ManifestKey kEvolveKeys[] = {
    kWas,
    kDrop,
    kColumns,
    {.name = "tables",
     .doc = "The same for single state tables: a map by the names they have now.",
     .kind = KeyShape::kNamed,
     .keys = kTableKeys},
};

constexpr ManifestKey kGivenKeys[] = {
    {.name = "rows",
     .doc = "Maps from column to value, texts, or watermark: TIME.",
     .kind = KeyShape::kRows,
     .required = true},
    {.name = "schema", .doc = "Names and types of the columns.", .kind = KeyShape::kTexts},
    {.name = "time", .doc = "Column that holds the event time.", .kind = KeyShape::kTexts},
    {.name = "out-of-order", .doc = "How far event times may run behind.", .kind = KeyShape::kTexts},
    {.name = "key", .doc = "Columns that identify a row.", .kind = KeyShape::kTexts},
    {.name = "changes", .doc = "Whether the rows are changes.", .kind = KeyShape::kFlag},
};

constexpr ManifestKey kExpectKeys[] = {
    {.name = "rows", .doc = "Maps from column to value.", .kind = KeyShape::kRows, .required = true},
    {.name = "ordered", .doc = "Whether they must come in this order.", .kind = KeyShape::kFlag, .fallback = "false"},
};

constexpr ManifestKey kTestKeys[] = {
    {.name = "name", .doc = "What it shows.", .kind = KeyShape::kValue, .required = true},
    {.name = "given",
     .doc = "Rows of sources, or of the inputs of other stages.",
     .kind = KeyShape::kNamed,
     .keys = kGivenKeys,
     .instead = KeyShape::kRows},
    {.name = "expect",
     .doc = "Rows of stages and named outputs; of a sink those that reach it.",
     .kind = KeyShape::kNamed,
     .keys = kExpectKeys,
     .instead = KeyShape::kRows,
     .required = true},
};

constexpr ManifestKey kParameters = {.name = "parameters",
                                     .doc = "Values that are given as -p NAME=VALUE and used as ${NAME}.",
                                     .kind = KeyShape::kNamed,
                                     .keys = kParameterKeys,
                                     .names = true};
constexpr ManifestKey kInclude = {.name = "include",
                                  .doc = "Stages from other files: a map from a name to a file.",
                                  .kind = KeyShape::kNamed,
                                  .keys = kIncludeKeys,
                                  .instead = KeyShape::kText,
                                  .names = true};
constexpr ManifestKey kStages = {
    .name = "stages", .doc = "The stages, in order.", .kind = KeyShape::kStages, .required = true};

constexpr ManifestKey kManifestKeys[] = {
    // May be given as --name instead.
    {.name = "pipeline", .doc = "Name of the job.", .kind = KeyShape::kName},
    kParameters,
    kInclude,
    {.name = "checkpoint",
     .doc = "How often the job saves its state.",
     .kind = KeyShape::kKeys,
     .keys = kCheckpointKeys},
    {.name = "restart", .doc = "What happens when it fails.", .kind = KeyShape::kKeys, .keys = kRestartKeys},
    {.name = "savepoints",
     .doc = "Savepoints that it makes by itself, and those that go again.",
     .kind = KeyShape::kKeys,
     .keys = kSavepointKeys},
    {.name = "autoscale",
     .doc = "When stages whose number of instances has bounds get more or fewer.",
     .kind = KeyShape::kKeys,
     .keys = kAutoscaleKeys},
    {.name = "key-groups",
     .doc = "Units in which keyed state moves between instances; cannot be changed later.",
     .kind = KeyShape::kCount,
     .fallback = "1024",
     .least = 1,
     .most = 32'768},
    {.name = "memory",
     .doc = "Bound of all instances together, such as 1GiB, at least 32MiB for each; not set: the sum of their own.",
     .kind = KeyShape::kSize},
    {.name = "log",
     .doc = "Least severe level that is logged.",
     .kind = KeyShape::kChoice,
     .fallback = "info",
     .choices = kLevels},
    {.name = "log-to",
     .doc = "Where it is logged to, beside files of the job's own: a name, a list of them, or a map from a name to its "
            "options.",
     .kind = KeyShape::kKeys,
     .keys = kLogToKeys,
     .instead = KeyShape::kTexts},
    {.name = "hosts",
     .doc = "Hosts that instances run on: a map from a name to an address or to its keys, or slurm, the nodes of the "
            "allocation it is run in; not set: this one.",
     .kind = KeyShape::kNamed,
     .choices = "slurm",
     .keys = kHostKeys,
     .instead = KeyShape::kText,
     .names = true},
    {.name = "place",
     .doc = "How instances are placed on hosts where their stage does not say: over all, or on as few as can be.",
     .kind = KeyShape::kChoice,
     .fallback = "spread",
     .choices = "spread|pack"},
    {.name = "slurm",
     .doc = "What 'stream deploy --on slurm' asks Slurm for.",
     .kind = KeyShape::kKeys,
     .keys = kSlurmKeys},
    {.name = "align",
     .doc = "How far sources may be apart in event time; not set: as far as they like.",
     .kind = KeyShape::kDuration},
    {.name = "metrics",
     .doc = "What takes its metrics elsewhere: a reporter, a list of them, or a map from a name to its options.",
     .kind = KeyShape::kReporters},
    kStages,
    {.name = "evolve",
     .doc = "What becomes of kept state where the pipeline has changed: a map of stages by the names they have now.",
     .kind = KeyShape::kNamed,
     .keys = kEvolveKeys},
    {.name = "tests", .doc = "Given rows and what is expected of them.", .kind = KeyShape::kList, .keys = kTestKeys},
};

constexpr ManifestKey kFragmentKeys[] = {
    {.name = "fragment", .doc = "A name, for readers.", .kind = KeyShape::kValue},
    kParameters,
    kInclude,
    kStages,
    {.name = "output",
     .doc = "The stage that others read who name the include, or a map from a name to one; not set: the last.",
     .kind = KeyShape::kInput},
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
