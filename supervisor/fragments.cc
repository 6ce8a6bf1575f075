#include "supervisor/fragments.h"

#include <algorithm>
#include <filesystem>

#include "supervisor/inputs.h"
#include "supervisor/manifest_node.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::size_t kDepthMax = 8;

// "sub/x.yaml" beside "conf/m.yaml" is "conf/sub/x.yaml".
std::string beside(const std::string& folder, const std::string& path) {
  return (std::filesystem::path(folder) / path).lexically_normal().string();
}

class FragmentReader {
 public:
  FragmentReader(const ManifestContext& context, std::vector<StageEntry>& entries, std::vector<StageScope>& scopes,
                 Problems& problems)
      : context_(context), entries_(entries), scopes_(scopes), problems_(problems) {}

  void read_all(const Node& include, const IncludingFile& by) {
    if (!include.is_map()) {
      return problems_.add(include.at, "'include' must be a map from a name to a file, not " + kind_text(include));
    }
    for (std::size_t i = 0; i < include.keys.size(); ++i) {
      const Node& name = include.keys[i];
      if (!valid_name(name.text)) problems_.add(name.at, not_a_name(name.text));
      read_one(name, include.items[i], by);
    }
  }

 private:
  void read_one(const Node& name, const Node& value, const IncludingFile& by) {
    const Node* file = value.is_map() ? value.find("file") : &value;
    if (value.is_map()) check_map(value, "'include'", keys_of("include"), problems_);
    if (file == nullptr || !file->is_scalar()) {
      return problems_.add(value.at, "include '" + name.text + "' must name a 'file'");
    }
    const std::string path = beside(by.folder, file->text);
    if (!may_read(*file, path)) return;
    const auto text = context_.files.read_file(path);
    if (!text.ok()) return problems_.add(file->at, text.status().what());
    StageScope scope{
        .prefix = by.prefix + name.text + "/", .parent = by.prefix, .at = name.at, .input = {}, .outputs = {}};
    if (const Node* from = value.find("from")) scope.input = read_from(*from, problems_);
    const std::string label = beside(std::filesystem::path(by.file).parent_path().string(), file->text);
    problems_.included(label, "included as '" + name.text + "' at " + to_string(name.at));
    open_.push_back(path);
    read_text(*text, {label, std::filesystem::path(path).parent_path().string(), scope.prefix}, value, scope);
    open_.pop_back();
  }

  bool may_read(const Node& at, const std::string& path) {
    if (std::ranges::find(open_, path) != open_.end()) {
      problems_.add(at.at, "'" + at.text + "' includes itself");
      return false;
    }
    if (open_.size() < kDepthMax) return true;
    problems_.add(at.at, "files are included more than " + std::to_string(kDepthMax) + " deep");
    return false;
  }

  void read_text(const std::string& text, const IncludingFile& self, const Node& value, StageScope scope) {
    std::vector<Node> documents = parse_document(text, self.file, problems_);
    if (documents.empty() && !problems_.empty()) return;
    if (documents.size() != 1) return problems_.add({self.file, 0, 0}, "an included file has one document");
    Node& root = documents[0];
    if (root.find("pipeline") != nullptr) {
      return problems_.add(root.find_key("pipeline")->at,
                           "this is a pipeline, which runs by itself; what is included has 'fragment' or no name");
    }
    if (!check_map(root, "an included file", fragment_keys(), problems_)) return;
    replace_parameters(root, value);
    if (const Node* include = root.find("include")) read_all(*include, self);
    append_stages(root, self.prefix, self.folder, entries_, problems_);
    if (root.find("stages") == nullptr) problems_.add(root.at, "'stages' is missing");
    read_outputs(root, scope);
    scopes_.push_back(std::move(scope));
  }

  // Only its own parameters: a fragment means the same wherever it is included.
  void replace_parameters(Node& root, const Node& value) {
    std::map<std::string, std::string> given;
    const Node* values = value.find("parameters");
    if (values != nullptr && !values->is_map()) {
      problems_.add(values->at, "'parameters' must be a map from a name to a value, not " + kind_text(*values));
      values = nullptr;
    }
    for (std::size_t i = 0; values != nullptr && i < values->keys.size(); ++i) {
      if (!values->items[i].is_scalar()) problems_.add(values->items[i].at, "a parameter is one text");
      given[values->keys[i].text] = values->items[i].text;
    }
    const auto parameters =
        read_fragment_parameters(root.find("parameters"), given, values == nullptr ? value.at : values->at, problems_);
    substitute_below(root, parameters, context_.environment, problems_);
  }

  // `output: last`, or {out: last, late: windows.late}; if absent, the last stage.
  void read_outputs(const Node& root, StageScope& scope) {
    const Node* output = root.find("output");
    const Node* stages = root.find("stages");
    if (output == nullptr) {
      if (stages == nullptr || stages->keys.empty()) return;
      scope.outputs.push_back({"out", {.stage = stages->keys.back().text, .at = stages->keys.back().at}});
      return;
    }
    for (InputRef& ref : read_from(*output, problems_)) {
      const std::string name = ref.name.empty() ? "out" : ref.name;
      ref.name.clear();
      scope.outputs.emplace_back(name, std::move(ref));
    }
    if (output->is_list()) problems_.add(output->at, "'output' names a stage, or is a map from a name to a stage");
  }

  const ManifestContext& context_;
  std::vector<StageEntry>& entries_;
  std::vector<StageScope>& scopes_;
  Problems& problems_;
  std::vector<std::string> open_;  // files, from the manifest inwards
};

}  // namespace

void read_fragments(const Node& include, const IncludingFile& by, const ManifestContext& context,
                    std::vector<StageEntry>& entries, std::vector<StageScope>& scopes, Problems& problems) {
  FragmentReader(context, entries, scopes, problems).read_all(include, by);
}

}  // namespace stream
