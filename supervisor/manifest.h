// A manifest, stream-manifest(5): YAML or JSON -> PipelineSpec.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/parameters.h"
#include "supervisor/pipeline.h"
#include "supervisor/stage_info.h"
#include "transport/base/files.h"

namespace stream {

// What the command line changes: -p, --set, --parallelism, --name.
struct Overrides {
  std::map<std::string, std::string> parameters;
  std::vector<std::pair<std::vector<std::string>, std::string>> settings;  // path of keys, value
  std::optional<std::uint32_t> parallelism;                                // of stages that have none of their own
  std::string name;
};

// From "name=value" and "stages.S.option=value". Errors: kUsage, naming the flag.
Result<Overrides> read_overrides(const std::vector<std::string>& parameters, const std::vector<std::string>& settings);

struct ManifestText {
  std::string text;
  std::string file;    // as users know it; stands in messages
  std::string folder;  // absolute; relative paths start here
};

struct ManifestContext {
  Catalogue& catalogue;
  Files& files;  // for `include`
  Environment environment;
  Overrides overrides;
};

// One pipeline a document. What is wrong goes to `problems`; then what is returned is of no use.
std::vector<PipelineSpec> load_manifest(const ManifestText& manifest, const ManifestContext& context,
                                        Problems& problems);

}  // namespace stream
