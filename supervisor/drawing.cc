#include "supervisor/drawing.h"

#include <set>

namespace stream {
namespace {

struct Reader {
  const StageSpec* stage;
  const InputRef* ref;
};

std::vector<Reader> readers_of(const PipelineSpec& pipeline, const std::string& name) {
  std::vector<Reader> readers;
  for (const StageSpec& stage : pipeline.stages) {
    for (const InputRef& ref : stage.from) {
      if (ref.stage == name) readers.push_back({&stage, &ref});
    }
  }
  return readers;
}

std::string label(const StageSpec& stage) {
  std::string text = stage.name;
  if (stage.name != stage.run) text += ": " + stage.run;
  if (stage.parallelism > 1) text += " x" + std::to_string(stage.parallelism);
  return text;
}

// What stands on the line between two stages.
std::string edge_label(const InputRef& ref) {
  std::string text = ref.output == "out" ? "" : "." + ref.output;
  if (!ref.name.empty()) text += text.empty() ? "as " + ref.name : " as " + ref.name;
  return text.empty() ? "" : "(" + text + ") ";
}

class Tree {
 public:
  explicit Tree(const PipelineSpec& pipeline) : pipeline_(pipeline) {}

  std::string draw() {
    for (const StageSpec& stage : pipeline_.stages) {
      if (!stage.from.empty()) continue;
      out_ += label(stage) + "\n";
      drawn_.insert(stage.name);
      draw_readers(stage, "");
    }
    return out_;
  }

 private:
  void draw_readers(const StageSpec& stage, const std::string& indent) {
    const std::vector<Reader> readers = readers_of(pipeline_, stage.name);
    for (std::size_t i = 0; i < readers.size(); ++i) {
      const bool last = i + 1 == readers.size();
      const auto& [reader, ref] = readers[i];
      out_ += indent + (last ? "└─ " : "├─ ") + edge_label(*ref);
      if (!drawn_.insert(reader->name).second) {
        out_ += "-> " + reader->name + "\n";
        continue;
      }
      out_ += label(*reader) + "\n";
      draw_readers(*reader, indent + (last ? "   " : "│  "));
    }
  }

  const PipelineSpec& pipeline_;
  std::set<std::string> drawn_;
  std::string out_;
};

}  // namespace

std::string graph_text(const PipelineSpec& pipeline) { return pipeline.name + "\n" + Tree(pipeline).draw(); }

// Names and labels hold nothing that would need an escape: see valid_name().
std::string graph_dot(const PipelineSpec& pipeline) {
  std::string out = "digraph \"" + pipeline.name + "\" {\n  rankdir=LR;\n  node [shape=box];\n";
  for (const StageSpec& stage : pipeline.stages) out += "  \"" + stage.name + "\" [label=\"" + label(stage) + "\"];\n";
  for (const StageSpec& stage : pipeline.stages) {
    for (const InputRef& ref : stage.from) {
      out += "  \"" + ref.stage + "\" -> \"" + stage.name + "\"";
      const std::string text = edge_label(ref);
      if (!text.empty()) out += " [label=\"" + text.substr(1, text.size() - 3) + "\"]";
      out += ";\n";
    }
  }
  return out + "}\n";
}

}  // namespace stream
