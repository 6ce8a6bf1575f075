#include "cli/json_schema.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "supervisor/child.h"
#include "supervisor/manifest_schema.h"

namespace stream {
namespace {

using nlohmann::ordered_json;

// Of the map of one stage.
Result<ordered_json> stage_schema(const StageInfo& info) {
  STREAM_ASSIGN(const std::string text, ask_child(info.executable, {"--json-schema"}, ""));
  ordered_json schema = ordered_json::parse(text, nullptr, false);
  if (!schema.is_object()) return corrupt("'" + info.executable + " --json-schema' prints no JSON Schema");
  return schema;
}

}  // namespace

int print_manifest_schema(Catalogue& catalogue) {
  std::map<std::string, ordered_json> stages;
  for (const std::string& name : catalogue.names()) {
    const auto info = catalogue.find(name);
    auto schema = info.ok() ? stage_schema(**info) : Result<ordered_json>(info.status());
    if (!schema.ok()) {
      std::fprintf(stderr, "stream stages: warning: options of '%s' are not checked: %s\n", name.c_str(),
                   schema.status().what().c_str());
      schema = ordered_json{{"title", name}, {"type", "object"}};
    }
    stages[name] = *std::move(schema);
  }
  std::printf("%s\n", manifest_schema(stages).dump(2).c_str());
  return kDone;
}

}  // namespace stream
