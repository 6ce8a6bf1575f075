// The stages of a manifest, in document order.
#pragma once

#include <string>
#include <vector>

#include "supervisor/document.h"
#include "supervisor/inputs.h"
#include "supervisor/pipeline.h"
#include "supervisor/stage_info.h"

namespace stream {

struct StageEntry {
  std::string prefix;  // "geo/" of an included file, else ""
  std::string folder;  // of an included file: absolute, where its relative paths start; else ""
  Node key;
  Node value;
  bool has_above = false;  // not the first of its file
};

std::string not_a_name(const std::string& text);  // the message

// The stages of a manifest or an included file.
void append_stages(const Node& root, const std::string& prefix, const std::string& folder,
                   std::vector<StageEntry>& entries, Problems& problems);

// Names, programs, options and `from` of all stages, with the default of `from`; reports unknown
// stages, cycles, sources with an input and others without.
std::vector<StageSpec> read_stages(const std::vector<StageEntry>& entries, const std::vector<StageScope>& scopes,
                                   Catalogue& catalogue, Problems& problems);

// A literal where only env:NAME, file:PATH or credential:NAME may stand.
bool literal_secret(const OptionInfo& option, std::string_view text);
inline constexpr std::string_view kLiteralSecret =
    "a secret is never written out; give env:NAME, file:PATH or credential:NAME";

}  // namespace stream
