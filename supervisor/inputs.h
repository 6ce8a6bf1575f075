// `from`: where the input of a stage comes from.
#pragma once

#include <string>
#include <vector>

#include "supervisor/document.h"
#include "supervisor/pipeline.h"
#include "supervisor/stage_info.h"

namespace stream {

// "a", "a.late", [a, b] or {name: a, …}.
std::vector<InputRef> read_from(const Node& node, Problems& problems);

// How a stage's `from` stood in the manifest.
struct WrittenInputs {
  std::string prefix;  // of an included file: its own names are looked up first
  bool given = false;
  bool has_above = false;  // a stage stands directly above it in its file
};

// An included file, as those see it who name its stages.
struct StageScope {
  std::string prefix;           // "geo/"
  std::string parent;           // prefix of the file that includes it
  Place at;                     // of its name there
  std::vector<InputRef> input;  // what its stages read as `input`, in the words of who includes it
  std::vector<std::pair<std::string, InputRef>> outputs;  // "out" and others, in its own words
};

// What the name of an include means, in the manifest itself: the stage that its file has as this output. What names no
// include, or an output that its file has not, is given back as it is.
InputRef behind_includes(InputRef ref, const std::vector<StageScope>& scopes);

// Fills in the default (the stage directly above), finds every stage that is named, and reports
// unknown ones, inputs that cannot be, and cycles.
void resolve_inputs(std::vector<StageSpec>& stages, const std::vector<WrittenInputs>& written,
                    const std::vector<StageScope>& scopes, Catalogue& catalogue, Problems& problems);

}  // namespace stream
