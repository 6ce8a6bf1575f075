// Any bytes are a manifest or are refused with a place: no crash, no endless loop, and what was
// accepted reads back from its JSON.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "supervisor/manifest.h"
#include "supervisor/pipeline_text.h"

namespace {

using namespace stream;

class OneStage final : public Catalogue {
 public:
  OneStage() {
    info_.name = "any";
    info_.inputs_max = 2;
    for (const char* kind : {"text", "flag", "select", "columns", "secret"})
      info_.options.push_back({.name = kind, .kind = kind});
    info_.options[0].positional = true;
    info_.options[2].repeated = true;
  }
  Result<const StageInfo*> find(std::string_view name) override {
    info_.role = name == "in" ? StageRole::kSource : name == "out" ? StageRole::kSink : StageRole::kOperator;
    return name.size() > 3 ? nullptr : &info_;
  }
  std::vector<std::string> names() override { return {"any"}; }

 private:
  StageInfo info_;
};

void check_round_trip(const PipelineSpec& pipeline) {
  const auto again = pipeline_from_json(pipeline_to_json(pipeline));
  if (!again.ok() || pipeline_to_json(*again) != pipeline_to_json(pipeline)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  OneStage catalogue;
  const Environment none = [](const std::string&) { return std::nullopt; };
  Problems problems;
  const auto pipelines =
      load_manifest({text, "fuzz.yaml", "/nonexistent"}, {catalogue, system_files(), none, {}}, problems);
  for (const PipelineSpec& pipeline : pipelines) {
    if (problems.empty()) check_round_trip(pipeline);
  }
  Problems line_problems;
  const PipelineSpec line = parse_pipeline(text, "", "/nonexistent", catalogue, line_problems);
  if (line_problems.empty()) check_round_trip(line);
  (void)problems.text();
  return 0;
}
