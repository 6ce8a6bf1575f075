#include "stages/kit/option_table.h"

#include <algorithm>
#include <array>

namespace stream {
namespace {

constexpr std::array kRecordOptions = {
    Option{.name = "time", .arg = "COLUMN", .doc = "Column that holds the event time."},
    Option{.name = "out-of-order",
           .arg = "DURATION",
           .doc = "How far event times may run behind the newest one seen.",
           .kind = OptionKind::kDuration,
           .fallback = "0s"},
    Option{.name = "idle",
           .arg = "DURATION",
           .doc = "After this long without a record an input no longer holds event time back; not set: never.",
           .kind = OptionKind::kDuration},
    Option{.name = "schema",
           .arg = "COLUMNS",
           .doc = "Names and types of the columns, such as 'ts timestamp, n bigint'; not set: found by sampling.",
           .kind = OptionKind::kSchema},
    Option{.name = "on-error",
           .arg = "POLICY",
           .doc = "What happens to a record that cannot be processed; not set: dead-letter in a job, else fail.",
           .kind = OptionKind::kChoice,
           .choices = "dead-letter|skip|fail"}};

constexpr std::array kPlacementOptions = {
    Option{
        .name = "run", .arg = "STAGE", .doc = "Executable of the stage: filter runs stream-filter.", .required = true},
    Option{.name = "from",
           .arg = "STAGE",
           .doc = "Input: a stage, stage.output, a list of them, or a map from input name to one; "
                  "not set: the stage above.",
           .kind = OptionKind::kSelect,
           .repeated = true},
    Option{
        .name = "parallelism",
        .arg = "N",
        .doc = "Number of instances, 1 to 1024, or bounds within which it changes by itself: 1..8, {min: 1, max: 8}.",
        .kind = OptionKind::kInteger,
        .fallback = "1"},
    Option{.name = "memory",
           .arg = "SIZE",
           .doc = "Bound of one instance's memory, such as 1GiB; state that does not fit goes to disk.",
           .kind = OptionKind::kSize,
           .fallback = "512MiB"},
    Option{.name = "log",
           .arg = "LEVEL",
           .doc = "Least severe level that is logged.",
           .kind = OptionKind::kChoice,
           .fallback = "info",
           .choices = "trace|debug|info|warning|error"},
    Option{.name = "hosts",
           .arg = "HOST",
           .doc = "Hosts its instances may be on, or labels of hosts; not set: any. See stream-hosts(7).",
           .repeated = true},
    Option{.name = "near", .arg = "STAGE", .doc = "A stage whose instances they stand beside."},
    Option{.name = "place",
           .arg = "RULE",
           .doc = "How its instances are placed on hosts; not set: as the pipeline says.",
           .kind = OptionKind::kChoice,
           .choices = "spread|pack"}};

constexpr std::array kModeOptions = {
    Option{.name = "in",
           .arg = "[NAME=]ENDPOINT",
           .doc = "Bind here and read frames instead of standard input; several times for several senders. NAME= says "
                  "which input it is, where a stage has several.",
           .repeated = true},
    Option{.name = "out",
           .arg = "[NAME=]ENDPOINT",
           .doc = "Connect to this and write frames instead of standard output; NAME= picks a named output.",
           .repeated = true},
    Option{.name = "connect-timeout",
           .arg = "DURATION",
           .doc = "How long to wait for the other ends.",
           .kind = OptionKind::kDuration,
           .fallback = "30s"},
    Option{.name = "key-file",
           .arg = "PATH",
           .doc = "Encrypt tcp connections with this secret of 32 random bytes, the same on both ends; needed "
                  "beyond loopback.",
           .kind = OptionKind::kPath},
    Option{.name = "emit",
           .arg = "WHAT",
           .doc = "What an updating stage prints: final rows at end of input, or every change with \"_op\".",
           .kind = OptionKind::kChoice,
           .fallback = "final",
           .choices = "final|updates"},
    Option{.name = "format",
           .arg = "FORMAT",
           .doc = "Format of standard input and output.",
           .kind = OptionKind::kChoice,
           .fallback = "ndjson",
           .choices = "ndjson|csv|tsv|text"},
    Option{.name = "help", .arg = "", .doc = "Print this help.", .kind = OptionKind::kFlag},
    Option{.name = "version", .arg = "", .doc = "Print the version.", .kind = OptionKind::kFlag},
    Option{.name = "man", .arg = "", .doc = "Print the manual page.", .kind = OptionKind::kFlag},
    Option{.name = "describe",
           .arg = "",
           .doc = "Print the options, inputs and outputs as JSON.",
           .kind = OptionKind::kFlag},
    Option{.name = "plan",
           .arg = "",
           .doc = "Answer a planning request read from standard input; see stream-plan(7).",
           .kind = OptionKind::kFlag},
    Option{.name = "json-schema",
           .arg = "",
           .doc = "Print the JSON Schema of this stage in a manifest.",
           .kind = OptionKind::kFlag},
    Option{.name = "completion",
           .arg = "SHELL",
           .doc = "Print a completion script.",
           .kind = OptionKind::kChoice,
           .choices = "bash|zsh|fish"},
    Option{.name = "control", .arg = "ENDPOINT", .doc = "Serve the supervisor listening here.", .hidden = true}};

void append_missing(std::vector<Option>& to, std::span<const Option> from) {
  for (const Option& option : from) {
    if (find_option(to, option.name) == nullptr) to.push_back(option);
  }
}

}  // namespace

std::span<const Option> record_options() { return kRecordOptions; }
std::span<const Option> placement_options() { return kPlacementOptions; }
std::span<const Option> mode_options() { return kModeOptions; }

std::vector<Option> common_options() {
  std::vector<Option> all(kRecordOptions.begin(), kRecordOptions.end());
  append_missing(all, kPlacementOptions);
  return all;
}

std::vector<Option> assigned_options(std::span<const Option> own) {
  std::vector<Option> all(own.begin(), own.end());
  append_missing(all, kRecordOptions);
  return all;
}

std::vector<Option> command_line_options(std::span<const Option> own) {
  std::vector<Option> all = assigned_options(own);
  append_missing(all, kModeOptions);
  return all;
}

std::vector<Option> manifest_options(std::span<const Option> own) {
  std::vector<Option> all = assigned_options(own);
  append_missing(all, kPlacementOptions);
  return all;
}

const Option* find_option(std::span<const Option> options, std::string_view name) {
  const auto it = std::ranges::find(options, name, &Option::name);
  return it == options.end() ? nullptr : &*it;
}

}  // namespace stream
