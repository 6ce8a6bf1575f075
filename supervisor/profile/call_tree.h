// CallTree: sampled stacks, one on top of the other: each function under the one that called it, with how many samples
// it was in.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stream::profile {

struct CallNode {
  std::string name;
  std::uint64_t value = 0;  // samples, those of its children with them
  std::vector<CallNode> children;
};

class CallTree {
 public:
  void add(std::span<const std::string_view> frames, std::uint64_t samples);  // outermost first
  // "main;read;poll 12". What is not of this form adds nothing, and gives false.
  bool add_folded(std::string_view line);

  const CallNode& root() const { return root_; }  // without a name
  // The same as lines, sorted.
  std::vector<std::string> folded() const;

 private:
  CallNode root_;
};

std::size_t depth_of(const CallNode& node);  // a leaf has 1

}  // namespace stream::profile
