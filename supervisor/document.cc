#include "supervisor/document.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <sstream>

#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::size_t kNodesMax = 20'000;

// yaml-cpp gives documents without end, and without progress, for some malformed texts.
constexpr std::size_t kDocumentsMax = 100;

// Builds one tree out of yaml-cpp's events; its own tree forgets duplicate keys and styles.
class Builder final : public YAML::EventHandler {
 public:
  Builder(std::string file, Problems& problems) : file_(std::move(file)), problems_(problems) {}

  void OnDocumentStart(const YAML::Mark&) override { root_ = {}; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add({.at = place(mark)}, anchor); }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    add({.kind = Node::Kind::kScalar, .at = place(mark), .text = value, .plain = tag == "?"}, anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto it = anchors_.find(anchor);
    if (it == anchors_.end()) {
      problems_.add(place(mark), "an alias stands within what it names");
      add({.at = place(mark)}, 0);
      return;
    }
    count_ += size_of(it->second);
    add(it->second, 0);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(Node::Kind::kList, mark, anchor, style);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(Node::Kind::kMap, mark, anchor, style);
  }
  void OnMapEnd() override { close(); }

  Node take() { return std::move(root_); }

 private:
  struct Open {
    Node node;
    YAML::anchor_t anchor;
  };

  Place place(const YAML::Mark& mark) const { return {file_, mark.line + 1, mark.column + 1}; }

  static std::size_t size_of(const Node& node) {
    std::size_t n = 1 + node.keys.size();
    for (const Node& item : node.items) n += size_of(item);
    return n;
  }

  void open(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor, YAML::EmitterStyle::value style) {
    Node node{.kind = kind, .at = place(mark)};
    node.flow = style == YAML::EmitterStyle::Flow;
    open_.push_back({std::move(node), anchor});
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.node), done.anchor);
  }

  void add(Node node, YAML::anchor_t anchor) {
    if (++count_ > kNodesMax) throw YAML::ParserException(YAML::Mark(), "the text is too large");
    if (anchor != 0) anchors_[anchor] = node;
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Node& parent = open_.back().node;
    if (parent.is_map() && parent.keys.size() == parent.items.size())
      add_key(parent, std::move(node));
    else
      parent.items.push_back(std::move(node));
  }

  void add_key(Node& map, Node key) {
    if (key.kind == Node::Kind::kList || key.kind == Node::Kind::kMap) {
      problems_.add(key.at, "a key must be a name");
    } else if (const Node* first = map.find_key(key.text)) {
      problems_.add(key.at,
                    "duplicate key '" + key.text + "'; it is on line " + std::to_string(first->at.line) + " already");
    }
    map.keys.push_back(std::move(key));
  }

  std::string file_;
  Problems& problems_;
  Node root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Node> anchors_;
  std::size_t count_ = 0;
};

// Brackets and quotes of SQL that are opened and not closed, or the other way round.
bool unbalanced(std::string_view text) {
  std::string open;
  char quote = 0;
  for (const char c : text) {
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '(' || c == '[' || c == '{') {
      open += c;
    } else if (c == ')' || c == ']' || c == '}') {
      const char opening = c == ')' ? '(' : c == ']' ? '[' : '{';
      if (open.empty() || open.back() != opening) return true;
      open.pop_back();
    }
  }
  return quote != 0 || !open.empty();
}

// An expression that waits for more. One word alone is none: a separator may well be a comma.
bool unfinished(std::string_view text) {
  constexpr std::array<std::string_view, 12> kOpen = {"and", "or",      "not",  "like", "ilike", "in",
                                                      "is",  "between", "when", "then", "else",  "as"};
  const std::size_t blank = text.find_last_of(' ');
  if (blank == std::string_view::npos) return false;
  return std::string_view("=<>+-|,").find(text.back()) != std::string_view::npos ||
         std::ranges::find(kOpen, lower(text.substr(blank + 1))) != kOpen.end();
}

// Where a tab indents the line of a syntax error, or the one above: YAML's own words do not say so.
std::optional<Place> indenting_tab(std::string_view text, const Place& error) {
  const std::vector<std::string> lines = split(text, '\n');
  for (int line = std::max(1, error.line - 1); line <= error.line; ++line) {
    if (static_cast<std::size_t>(line) > lines.size()) break;
    const std::string& source = lines[static_cast<std::size_t>(line - 1)];
    const std::size_t tab = source.substr(0, source.find_first_not_of(" \t")).find('\t');
    if (tab != std::string::npos) return Place{error.file, line, static_cast<int>(tab) + 1};
  }
  return std::nullopt;
}

// Compares the tree with its source: where texts stand, and which were cut.
class SourceCheck {
 public:
  SourceCheck(std::string_view text, Problems& problems) : lines_(split(text, '\n')), problems_(problems) {}

  void visit(Node& node, bool in_flow) {
    if (node.is_scalar()) locate(node);
    if (node.is_scalar() && node.plain && (unbalanced(node.text) || (!in_flow && unfinished(node.text))))
      report(node, in_flow);
    for (Node& key : node.keys) visit(key, node.flow);
    for (Node& item : node.items) visit(item, node.flow);
  }

 private:
  // Behind an opening quote, or at once.
  void locate(Node& node) const {
    const auto line = static_cast<std::size_t>(node.at.line - 1);
    const auto column = static_cast<std::size_t>(node.at.column - 1);
    if (line >= lines_.size() || column >= lines_[line].size()) return;
    const std::string_view source = std::string_view(lines_[line]).substr(column);
    if (source.starts_with(node.text))
      node.text_column = node.at.column;
    else if (source.substr(1).starts_with(node.text))
      node.text_column = node.at.column + 1;
  }

  void report(const Node& node, bool in_flow) {
    if (in_flow) {
      problems_.add(node.at, "'" + node.text +
                                 "' is cut off: a comma or bracket ends a value within {} and []; "
                                 "quote the expression or write one key a line");
    } else if (comment_follows(node)) {
      problems_.add(node.at, "'" + node.text + "' is cut off: ' #' begins a comment; quote the expression");
    }
  }

  bool comment_follows(const Node& node) const {
    const auto line = static_cast<std::size_t>(node.at.line - 1);
    if (line >= lines_.size()) return false;
    const std::size_t end = static_cast<std::size_t>(node.at.column - 1) + node.text.size();
    const std::string& source = lines_[line];
    return end < source.size() && trim(std::string_view(source).substr(end)).starts_with("#");
  }

  std::vector<std::string> lines_;
  Problems& problems_;
};

// `<<: *base` and `<<: [*a, *b]`: what these maps have and this one lacks; the first that has a key wins.
void merge_maps(Node& node, Problems& problems) {
  for (Node& item : node.items) merge_maps(item, problems);
  const Node* key = node.find_key("<<");
  if (key == nullptr || !key->plain) return;
  const std::ptrdiff_t at = key - node.keys.data();
  Node merged = std::move(node.items[static_cast<std::size_t>(at)]);
  node.keys.erase(node.keys.begin() + at);
  node.items.erase(node.items.begin() + at);
  if (!merged.is_list()) merged = Node{.kind = Node::Kind::kList, .at = merged.at, .items = {merged}};
  for (const Node& from : merged.items) {
    if (!from.is_map()) problems.add(from.at, "'<<' takes a map, such as *name of one with &name, or a list of maps");
    for (std::size_t i = 0; i < from.keys.size(); ++i) {
      if (node.find_key(from.keys[i].text) != nullptr) continue;
      node.keys.push_back(from.keys[i]);
      node.items.push_back(from.items[i]);
    }
  }
}

}  // namespace

const Node* Node::find_key(std::string_view key) const {
  const auto it = std::ranges::find(keys, key, &Node::text);
  return it == keys.end() ? nullptr : &*it;
}

const Node* Node::find(std::string_view key) const {
  const Node* found = find_key(key);
  if (found == nullptr) return nullptr;
  return &items[static_cast<std::size_t>(found - keys.data())];
}

std::vector<Node> parse_document(std::string_view text, const std::string& file, Problems& problems) {
  std::vector<Node> documents;
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    for (;;) {
      Builder builder(file, problems);
      if (!parser.HandleNextDocument(builder)) break;
      documents.push_back(builder.take());
      if (documents.size() <= kDocumentsMax) continue;
      problems.add(documents[1].at,
                   "there are more than " + std::to_string(kDocumentsMax) + " documents, or this is not YAML");
      return {};
    }
  } catch (const YAML::Exception& error) {
    const Place at = {file, error.mark.line + 1, error.mark.column + 1};
    const auto tab = indenting_tab(text, at);
    problems.add(tab.value_or(at), tab ? "a tab does not indent in YAML; write blanks" : error.msg);
    return {};
  } catch (const std::exception& error) {
    problems.add({file, 0, 0}, error.what());
    return {};
  }
  SourceCheck check(text, problems);
  for (Node& document : documents) {
    check.visit(document, false);
    merge_maps(document, problems);
  }
  return documents;
}

Status set_scalar(Node& root, const std::vector<std::string>& path, const std::string& text, const Place& at) {
  Node* node = &root;
  for (const std::string& key : path) {
    if (node->kind == Node::Kind::kNull) node->kind = Node::Kind::kMap;
    if (!node->is_map()) return usage_error("'" + join(path, ".") + "' leads through what is no map");
    const Node* found = node->find(key);
    if (found == nullptr) {
      node->keys.push_back({.kind = Node::Kind::kScalar, .at = at, .text = key});
      node->items.push_back({.at = at});
      node = &node->items.back();
    } else {
      node = &node->items[static_cast<std::size_t>(found - node->items.data())];
    }
  }
  *node = {.kind = Node::Kind::kScalar, .at = at, .text = text};
  return {};
}

}  // namespace stream
