// A YAML (or JSON) text as a tree that knows where everything stands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "supervisor/problems.h"

namespace stream {

struct Node {
  enum class Kind : std::uint8_t { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  Place at = {};
  std::string text = {};         // scalar
  int text_column = 0;           // where `text` stands as it is on its line; 0 if it does not
  bool plain = false;            // scalar without quotes, neither block style
  bool flow = false;             // list or map in [] or {}
  std::vector<Node> keys = {};   // map: scalars, in document order
  std::vector<Node> items = {};  // list items; the values of `keys`

  bool is_map() const { return kind == Kind::kMap; }
  bool is_list() const { return kind == Kind::kList; }
  bool is_scalar() const { return kind == Kind::kScalar; }
  const Node* find(std::string_view key) const;  // value of a key; null if absent or no map
  const Node* find_key(std::string_view key) const;
};

// All documents of a text. Reports syntax errors, duplicate keys, keys that are no scalars, and
// SQL that YAML has cut: at a comma of a flow map or list, or at " #". At most 20,000 nodes and 100
// documents.
std::vector<Node> parse_document(std::string_view text, const std::string& file, Problems& problems);

// Sets the scalar at a path of keys, making maps as needed. Errors: kUsage where the path leads
// through something that is no map.
Status set_scalar(Node& root, const std::vector<std::string>& path, const std::string& text, const Place& at);

}  // namespace stream
