// OpenRows: the rows of one key that may still be in a match, in order, and the search among them.
//
// Everything here follows from the rows in the state table: it is made anew after a restart.
#pragma once

#include <string>
#include <vector>

#include "snapshot/state_table.h"
#include "stages/match/design.h"
#include "stages/match/search.h"

namespace stream {

class OpenRows final : public MatchRows {
 public:
  // All outlive it.
  OpenRows(const MatchDesign& design, StateTable& table, Search::Scratch& scratch)
      : design_(design), table_(table), search(design.pattern, scratch) {}

  // Row 0 is the one that a match may begin at.
  Cell cell(std::int64_t row, std::size_t kept) const override {
    const std::int64_t at = static_cast<std::int64_t>(first_) + row;
    return at < static_cast<std::int64_t>(begin_)
               ? Cell()
               : table_.cell(rows_[static_cast<std::size_t>(at)], design_.kept[kept]);
  }
  Row row(std::size_t row) const { return rows_[first_ + row]; }
  std::size_t rows() const { return rows_.size() - first_; }
  bool empty() const { return rows_.size() == begin_; }
  Microseconds time(std::size_t index) const { return table_.get<std::int64_t>(row(index), design_.time()); }
  std::int64_t holds(std::size_t index) const { return table_.get<std::int64_t>(row(index), design_.holds); }

  void add(Row row) { rows_.push_back(row); }
  // Puts rows that are only looked back at, which are in order, before all others.
  void add_past(std::vector<Row> rows);
  // The first `count` rows are in no match any more: they leave the state, but for those looked back at.
  void drop(std::size_t count);

 private:
  const MatchDesign& design_;
  StateTable& table_;
  std::vector<Row> rows_;
  std::size_t begin_ = 0;  // of rows_: those before it have left
  std::size_t first_ = 0;  // … : where a match may begin; before it what is looked back at

 public:
  Search search;
  std::string key;
  bool active = false;  // has been put on the list of those to work on
};

}  // namespace stream
