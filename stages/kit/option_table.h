// The options that every stage has beside its own table, and how the tables come together.
#pragma once

#include <span>
#include <vector>

#include "stages/kit/option.h"

namespace stream {

// How a stage treats records: time, out-of-order, idle, schema, on-error. On every command
// line and in every manifest; their values reach the stage.
std::span<const Option> record_options();

// Where and with what the stage runs: run, from, parallelism, memory, log. Manifest only;
// the supervisor acts on them, the stage never sees them.
std::span<const Option> placement_options();

// What is reserved on every stage in a manifest: both of the above.
std::vector<Option> common_options();

// How one process is used: --in, --out, --help, … Command line only.
std::span<const Option> mode_options();

// The tables in order, less what an earlier one has: a stage's own `format` or `time` wins.
std::vector<Option> command_line_options(std::span<const Option> own);  // own, record, mode
std::vector<Option> assigned_options(std::span<const Option> own);      // own, record
std::vector<Option> manifest_options(std::span<const Option> own);      // own, record, placement

const Option* find_option(std::span<const Option> options, std::string_view name);

}  // namespace stream
