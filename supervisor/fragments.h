// `include:` of a manifest: files of stages with parameters, stream-manifest(5).
#pragma once

#include <string>
#include <vector>

#include "supervisor/document.h"
#include "supervisor/manifest.h"
#include "supervisor/manifest_stages.h"

namespace stream {

// Where an `include` stands.
struct IncludingFile {
  std::string file;    // as users know it
  std::string folder;  // absolute
  std::string prefix;  // "" of the manifest itself, "geo/" of what it includes as geo
};

// Reads every file under `include`, and what these include, at most eight deep. Their stages are appended to `entries`,
// and what is known of each file to `scopes`.
void read_fragments(const Node& include, const IncludingFile& by, const ManifestContext& context,
                    std::vector<StageEntry>& entries, std::vector<StageScope>& scopes, Problems& problems);

}  // namespace stream
