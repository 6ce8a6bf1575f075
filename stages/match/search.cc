#include "stages/match/search.h"

#include <algorithm>

namespace stream {

Search::Search(const Pattern& pattern, Scratch& scratch) : pattern_(&pattern), scratch_(&scratch) {
  scratch.newest.resize(pattern.variable_of.size(), kNoNode);
}

void Search::restart() {
  rows_ = 0;
  nodes_.clear();
  ways_.clear();
  best_ = kNoNode;
  overflow_ = false;
  compact_at_ = 1024;
}

void Search::look_ahead(std::vector<Trial>& trials) const {
  trials.clear();
  const auto add = [&](std::uint32_t way, const PatternNext& next) {
    for (const std::uint32_t position : next.positions) trials.push_back({way, position, false, {}});
  };
  if (rows_ == 0) return add(0, pattern_->first);
  for (std::uint32_t way = 0; way < ways_.size(); ++way) add(way, pattern_->next[ways_[way].position]);
}

// Whether a way that is liked more does as well.
bool Search::known(const std::vector<Way>& ways, const Trial& trial) const {
  for (std::uint32_t way = scratch_->newest[trial.position]; way != kNoNode; way = ways[way].older) {
    if (ways[way].history == trial.history) return true;
  }
  return false;
}

void Search::add_way(std::vector<Way>& ways, std::uint32_t node, Trial& trial) {
  std::uint32_t& newest = scratch_->newest[trial.position];
  ways.push_back({node, trial.position, newest, std::move(trial.history)});
  newest = static_cast<std::uint32_t>(ways.size() - 1);
}

void Search::step(std::span<Trial> trials) {
  std::vector<Way> ways;
  for (Trial& trial : trials) {
    if (!trial.holds || known(ways, trial)) continue;
    const std::uint32_t before = rows_ == 0 ? kNoNode : ways_[trial.way].node;
    const auto node = static_cast<std::uint32_t>(nodes_.size());
    nodes_.push_back({before, static_cast<std::uint32_t>(pattern_->variable_of[trial.position])});
    const PatternNext& next = pattern_->next[trial.position];
    if (!next.positions.empty()) add_way(ways, node, trial);
    if (next.ends) {  // whatever follows in the list is liked less
      best_ = node;
      break;
    }
  }
  for (const Way& way : ways) scratch_->newest[way.position] = kNoNode;
  ++rows_;
  ways_ = std::move(ways);
  if (ways_.size() > kSearchWaysMax) {
    ways_.clear();
    best_ = kNoNode;
    overflow_ = true;
  }
  if (nodes_.size() > compact_at_) compact();
}

// Drops rows of ways that have come to nothing.
void Search::compact() {
  std::vector<std::uint8_t> used(nodes_.size());
  const auto mark = [&](std::uint32_t node) {
    for (; node != kNoNode && used[node] == 0; node = nodes_[node].before) used[node] = 1;
  };
  for (const Way& way : ways_) mark(way.node);
  mark(best_);
  std::vector<std::uint32_t> moved(nodes_.size(), kNoNode);
  std::uint32_t count = 0;
  for (std::uint32_t node = 0; node < nodes_.size(); ++node) {
    if (used[node] == 0) continue;
    moved[node] = count;
    const std::uint32_t before = nodes_[node].before;
    nodes_[count++] = {before == kNoNode ? kNoNode : moved[before], nodes_[node].variable};
  }
  nodes_.resize(count);
  for (Way& way : ways_) way.node = moved[way.node];
  if (best_ != kNoNode) best_ = moved[best_];
  compact_at_ = std::max<std::size_t>(1024, 2 * static_cast<std::size_t>(count));
}

std::optional<std::vector<std::uint32_t>> Search::match() const {
  if (best_ == kNoNode) return std::nullopt;
  std::vector<std::uint32_t> variables;
  for (std::uint32_t node = best_; node != kNoNode; node = nodes_[node].before) {
    variables.push_back(nodes_[node].variable);
  }
  std::ranges::reverse(variables);
  return variables;
}

}  // namespace stream
