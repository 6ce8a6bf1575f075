// Search: looks for the match of a pattern that begins at one row.
//
// All ways to match the rows so far go on side by side, the preferred first, so that no row is looked at twice. Two
// ways that are at the same position with equal histories have the same future: only the preferred one is kept. A
// pattern whose conditions look at no other row thus has at most as many ways as positions. The match is decided once
// no way is left that is preferred to the best one found.
//
//   search.restart();
//   do { search.look_ahead(trials); … which of them hold …; search.step(trials); } while (!search.decided());
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "stages/match/match_values.h"
#include "stages/match/pattern.h"

namespace stream {

inline constexpr std::size_t kSearchWaysMax = 2'000;

class Search {
 public:
  // One way to take the next row.
  struct Trial {
    std::uint32_t way = 0;
    std::uint32_t position = 0;
    bool holds = false;
    MatchHistory history;  // with the row
  };

  // What searches of one pattern share, so that each is small.
  struct Scratch {
    std::vector<std::uint32_t> newest;  // by position: the last way that has come to it; kNoNode if none
  };

  // Both outlive it.
  Search(const Pattern& pattern, Scratch& scratch);

  void restart();
  // How many rows it has taken.
  std::uint32_t rows() const { return rows_; }

  // What the next row may be, the preferred first. Histories are left empty: see history().
  void look_ahead(std::vector<Trial>& trials) const;
  // Of a way, before the next row; null before the first row.
  const MatchHistory* history(std::uint32_t way) const { return rows_ == 0 ? nullptr : &ways_[way].history; }
  // Takes the row. `trials` as look_ahead() gave them; histories are moved from.
  void step(std::span<Trial> trials);
  // No row can come any more.
  void stop() { ways_.clear(); }

  bool decided() const { return rows_ > 0 && ways_.empty(); }
  // More ways than can be followed: given up, there is no match.
  bool overflow() const { return overflow_; }
  // The variable of each row of the best match so far, if there is one.
  std::optional<std::vector<std::uint32_t>> match() const;
  std::size_t size_bytes() const { return nodes_.capacity() * sizeof(Node) + ways_.capacity() * sizeof(Way); }

 private:
  static constexpr std::uint32_t kNoNode = UINT32_MAX;
  struct Node {  // a row that matches a variable, and what came before
    std::uint32_t before = kNoNode;
    std::uint32_t variable = 0;
  };
  struct Way {
    std::uint32_t node = kNoNode;
    std::uint32_t position = 0;
    std::uint32_t older = kNoNode;  // the way before it at the same position
    MatchHistory history;
  };

  bool known(const std::vector<Way>& ways, const Trial& trial) const;
  void add_way(std::vector<Way>& ways, std::uint32_t node, Trial& trial);
  void compact();

  const Pattern* pattern_;
  Scratch* scratch_;
  std::uint32_t rows_ = 0;
  std::vector<Node> nodes_;
  std::vector<Way> ways_;
  std::uint32_t best_ = kNoNode;
  bool overflow_ = false;
  std::size_t compact_at_ = 1024;
};

}  // namespace stream
