#include "supervisor/manifest_node.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "supervisor/memory_size.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::ordered_json;

// The scalar of a key; null, reported, if it is anything else.
const Node* scalar(const Node& map, const char* key, Problems& problems) {
  const Node* node = map.find(key);
  if (node == nullptr || node->is_scalar()) return node;
  problems.add(node->at, std::string("'") + key + "' must be one value, not " + kind_text(*node));
  return nullptr;
}

void report(const Node& node, const char* key, const std::string& message, Problems& problems) {
  problems.add(node.at, std::string("'") + key + "': " + message);
}

ordered_json to_json(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull: return nullptr;
    case Node::Kind::kScalar: return node.text;
    case Node::Kind::kList: {
      ordered_json list = ordered_json::array();
      for (const Node& item : node.items) list.push_back(to_json(item));
      return list;
    }
    case Node::Kind::kMap: {
      ordered_json map = ordered_json::object();
      for (std::size_t i = 0; i < node.keys.size(); ++i) map[node.keys[i].text] = to_json(node.items[i]);
      return map;
    }
  }
  return nullptr;
}

}  // namespace

std::string kind_text(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull: return "nothing";
    case Node::Kind::kScalar: return "a text";
    case Node::Kind::kList: return "a list";
    case Node::Kind::kMap: return "a map";
  }
  return "";
}

bool check_map(const Node& node, const std::string& what, std::span<const std::string> known, Problems& problems) {
  if (!node.is_map()) {
    problems.add(node.at, what + " must be a map, not " + kind_text(node));
    return false;
  }
  for (const Node& key : node.keys) {
    if (std::ranges::find(known, key.text) != known.end()) continue;
    problems.add(key.at, what + " has no key '" + key.text + "'" + did_you_mean(key.text, known));
  }
  return true;
}

bool check_map(const Node& node, const std::string& what, std::span<const ManifestKey> known, Problems& problems) {
  return check_map(node, what, names_of(known), problems);
}

void read(const Node& map, const char* key, std::string& to, Problems& problems) {
  if (const Node* node = scalar(map, key, problems)) to = node->text;
}

void read(const Node& map, const char* key, double& to, Problems& problems) {
  const Node* node = scalar(map, key, problems);
  if (node == nullptr) return;
  double value = 0;
  const char* end = node->text.data() + node->text.size();
  const auto [stop, error] = std::from_chars(node->text.data(), end, value);
  if (error != std::errc() || stop != end)
    report(*node, key, "'" + node->text + "' is not a number", problems);
  else
    to = value;
}

void read_duration(const Node& map, const char* key, Microseconds& to, Problems& problems) {
  const Node* node = scalar(map, key, problems);
  if (node == nullptr) return;
  const auto value = parse_duration(node->text);
  if (value.ok())
    to = *value;
  else
    report(*node, key, value.status().what(), problems);
}

void read_memory(const Node& map, const char* key, std::uint64_t& to, Problems& problems) {
  const Node* node = scalar(map, key, problems);
  if (node == nullptr) return;
  const auto value = parse_memory(node->text);
  if (value.ok())
    to = *value;
  else
    report(*node, key, value.status().what(), problems);
}

void read_count(const Node& map, const char* key, std::uint32_t least, std::uint32_t most, std::uint32_t& to,
                Problems& problems) {
  const Node* node = scalar(map, key, problems);
  if (node == nullptr) return;
  const auto value = parse_integer(node->text);
  if (value.ok() && *value >= least && *value <= most)
    to = static_cast<std::uint32_t>(*value);
  else
    report(*node, key,
           "'" + node->text + "' is not a number from " + std::to_string(least) + " to " + std::to_string(most),
           problems);
}

void read_count(const Node& map, const ManifestKey& key, std::uint32_t& to, Problems& problems) {
  read_count(map, std::string(key.name).c_str(), key.least, key.most, to, problems);
}

void read_word(const Node& map, const ManifestKey& key, std::size_t& to, Problems& problems) {
  read_word(map, std::string(key.name).c_str(), choices_of(key), to, problems);
}

void read_flag(const Node& map, const char* key, bool& to, Problems& problems) {
  static const std::vector<std::string> words = {"false", "true"};
  std::size_t which = to ? 1 : 0;
  read_word(map, key, words, which, problems);
  to = which == 1;
}

void read_word(const Node& map, const char* key, std::span<const std::string> words, std::size_t& to,
               Problems& problems) {
  const Node* node = scalar(map, key, problems);
  if (node == nullptr) return;
  const auto it = std::ranges::find(words, node->text);
  if (it != words.end())
    to = static_cast<std::size_t>(it - words.begin());
  else
    report(*node, key, "'" + node->text + "' is not one of " + join(words, ", ") + did_you_mean(node->text, words),
           problems);
}

void read(const Node& map, const char* key, std::vector<std::string>& to, Problems& problems) {
  const Node* node = map.find(key);
  if (node == nullptr) return;
  if (node->is_scalar()) {
    to = {node->text};
    return;
  }
  if (!node->is_list()) return report(*node, key, "must be a text or a list, not " + kind_text(*node), problems);
  to.clear();
  for (const Node& item : node->items) {
    if (item.is_scalar())
      to.push_back(item.text);
    else
      problems.add(item.at, std::string("'") + key + "' must be a list of texts");
  }
}

std::string node_to_json(const Node& node) {
  return to_json(node).dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace stream
