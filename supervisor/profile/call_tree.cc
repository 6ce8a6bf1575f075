#include "supervisor/profile/call_tree.h"

#include <algorithm>
#include <charconv>

namespace stream::profile {
namespace {

CallNode& child_of(CallNode& node, std::string_view name) {
  const auto at = std::ranges::find(node.children, name, &CallNode::name);
  if (at != node.children.end()) return *at;
  return node.children.emplace_back(CallNode{std::string(name), 0, {}});
}

void fold(const CallNode& node, const std::string& above, std::vector<std::string>* lines) {
  std::uint64_t own = node.value;
  for (const CallNode& child : node.children) {
    own -= child.value;
    fold(child, above.empty() ? child.name : above + ";" + child.name, lines);
  }
  if (own > 0 && !above.empty()) lines->push_back(above + " " + std::to_string(own));
}

}  // namespace

void CallTree::add(std::span<const std::string_view> frames, std::uint64_t samples) {
  CallNode* node = &root_;
  node->value += samples;
  for (const std::string_view frame : frames) {
    node = &child_of(*node, frame);
    node->value += samples;
  }
}

bool CallTree::add_folded(std::string_view line) {
  const std::size_t blank = line.rfind(' ');
  if (blank == std::string_view::npos || blank == 0) return false;
  const std::string_view number = line.substr(blank + 1);
  std::uint64_t samples = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), samples);
  if (error != std::errc() || end != number.data() + number.size()) return false;
  std::vector<std::string_view> frames;
  std::string_view rest = line.substr(0, blank);
  for (std::size_t mark = 0; (mark = rest.find(';')) != std::string_view::npos; rest.remove_prefix(mark + 1))
    frames.push_back(rest.substr(0, mark));
  frames.push_back(rest);
  add(frames, samples);
  return true;
}

std::vector<std::string> CallTree::folded() const {
  std::vector<std::string> lines;
  fold(root_, "", &lines);
  std::ranges::sort(lines);
  return lines;
}

std::size_t depth_of(const CallNode& node) {
  std::size_t below = 0;
  for (const CallNode& child : node.children) below = std::max(below, depth_of(child));
  return below + 1;
}

}  // namespace stream::profile
