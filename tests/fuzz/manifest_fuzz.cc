// Any bytes are a manifest or are refused with a place: no crash, no endless loop, and what was
// accepted reads back from its JSON. What stands behind a byte 1 is the text of any file that is included.
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

// One file, under every name.
class OneFile final : public Files {
 public:
  explicit OneFile(std::string text) : text_(std::move(text)) {}
  Result<std::string> read_file(const std::string&) override { return text_; }
  Result<std::vector<std::string>> list(const std::string&) override { return std::vector<std::string>(); }
  Status write_file(const std::string&, std::string_view) override { return refused(); }
  Status sync_file(const std::string&) override { return refused(); }
  Status sync_dir(const std::string&) override { return refused(); }
  Status rename(const std::string&, const std::string&) override { return refused(); }
  Status remove(const std::string&) override { return refused(); }
  Status make_dir(const std::string&) override { return refused(); }
  Status truncate(const std::string&, std::uint64_t) override { return refused(); }

 private:
  static Status refused() { std::abort(); }
  std::string text_;
};

void check_round_trip(const PipelineSpec& pipeline) {
  const auto again = pipeline_from_json(pipeline_to_json(pipeline));
  if (!again.ok() || pipeline_to_json(*again) != pipeline_to_json(pipeline)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  const std::size_t mark = text.find('\1');
  OneFile included(mark == std::string::npos ? "" : text.substr(mark + 1));
  text.resize(std::min(mark, text.size()));
  OneStage catalogue;
  const Environment none = [](const std::string&) { return std::nullopt; };
  Problems problems;
  const auto pipelines = load_manifest({text, "fuzz.yaml", "/nonexistent"}, {catalogue, included, none, {}}, problems);
  for (const PipelineSpec& pipeline : pipelines) {
    if (problems.empty()) check_round_trip(pipeline);
  }
  Problems line_problems;
  const PipelineSpec line = parse_pipeline(text, "", "/nonexistent", catalogue, line_problems);
  if (line_problems.empty()) check_round_trip(line);
  (void)problems.text();
  return 0;
}
