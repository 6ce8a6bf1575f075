// The command line of a stage.
#pragma once

#include <span>
#include <string>

#include "stages/kit/option.h"
#include "stages/kit/stage.h"

namespace stream {

// Reads the arguments (without the program's name) by the stage's own table, record_options() and
// mode_options(). What is required is not demanded when the process only answers (--help, --plan,
// …) or gets its options from a supervisor (--control).
// Errors: kUsage with one line, e.g. "unknown option '--wher'; did you mean '--where'?".
Result<Values> parse_command_line(const StageProgram& program, std::span<const std::string> args);

// True if the arguments ask for a print-out or a plan instead of running: the name of the mode
// option ("help", "man", "plan", …), or "" for running.
std::string_view answer_asked(const Values& values);

}  // namespace stream
