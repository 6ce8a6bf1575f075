// What an executable says about itself, all from its StageProgram: --help, --man, --describe,
// --json-schema and --completion.
#pragma once

#include <string>
#include <string_view>

#include "stages/kit/stage.h"

namespace stream {

// At most 80 columns.
std::string help_text(const StageProgram& program);

// An mdoc(7) page of section 1.
std::string man_page(const StageProgram& program);

// One line of JSON, see stream-plan(7).
std::string describe_json(const StageProgram& program);

// JSON Schema (2020-12) of this stage's map in a manifest, reserved options included.
std::string json_schema(const StageProgram& program);

// `shell` is bash, zsh or fish.
std::string completion_script(const StageProgram& program, std::string_view shell);

// The text that goes with answer_asked(); never "plan", which reads standard input.
std::string answer_text(const StageProgram& program, const Values& values);

std::string_view kind_name(StageKind kind);   // "source", "operator", "sink"
std::string_view kind_name(OptionKind kind);  // "text", "flag", …

}  // namespace stream
