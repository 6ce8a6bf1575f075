#include "cli/yaml_file.h"

#include "supervisor/document.h"
#include "transport/base/files.h"

namespace stream {
namespace {

using nlohmann::ordered_json;

ordered_json scalar_of(const Node& node) {
  if (!node.plain) return node.text;
  if (node.text.empty() || node.text == "~") return nullptr;
  const ordered_json value = ordered_json::parse(node.text, nullptr, false);
  const bool known = value.is_number() || value.is_boolean() || value.is_null();
  return known ? value : ordered_json(node.text);
}

ordered_json json_of(const Node& node) {
  if (node.is_scalar()) return scalar_of(node);
  if (node.is_list()) {
    ordered_json list = ordered_json::array();
    for (const Node& item : node.items) list.push_back(json_of(item));
    return list;
  }
  if (!node.is_map()) return nullptr;
  ordered_json map = ordered_json::object();
  for (std::size_t i = 0; i < node.keys.size(); ++i) map[node.keys[i].text] = json_of(node.items[i]);
  return map;
}

}  // namespace

Result<ordered_json> read_yaml(const std::string& path) {
  STREAM_ASSIGN(const std::string text, system_files().read_file(path));
  Problems problems;
  const std::vector<Node> documents = parse_document(text, path, problems);
  if (!problems.empty()) return problems.status();
  if (documents.size() != 1)
    return usage_error("'" + path + "' has " + std::to_string(documents.size()) + " documents, not one");
  return json_of(documents.front());
}

}  // namespace stream
