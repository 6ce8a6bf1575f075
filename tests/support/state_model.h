// StateModel: what a state table should hold, as a std::map of texts, driven by random operations
// side by side with a real StateTable.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "snapshot/state_store.h"

namespace stream {

// Rows as text: key -> values. Two tables are equal if these are.
using Contents = std::map<std::string, std::string>;

Contents contents_of(const StateTable& table);
std::string text_of(const Cell& cell);

// A value of the type, or now and then NULL, from a small range so that keys meet again. Texts are
// kept in `texts`, which must outlive the cell.
class RandomCells {
 public:
  explicit RandomCells(std::uint64_t seed) : random_(seed) {}
  Cell key(Type type);
  Cell value(Type type);
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

 private:
  Cell make(Type type, std::int64_t range);
  std::mt19937_64 random_;
  std::deque<std::string> texts_;
};

// A table with every type among its keys and values and with all access paths.
TableSpec rich_spec(Distribution distribution = Distribution::kKeyed);

class StateModel {
 public:
  explicit StateModel(TableSpec spec) : spec_(std::move(spec)) {}

  // One random operation on both; operations on rows of other instances are not made if `owner`.
  void step(StateTable& table, RandomCells& random);
  const Contents& contents() const { return contents_; }
  void reset(Contents contents, std::map<std::string, std::int64_t> times) {
    contents_ = std::move(contents);
    times_ = std::move(times);
  }
  const std::map<std::string, std::int64_t>& times() const { return times_; }

 private:
  void upsert(StateTable& table, RandomCells& random);
  void erase(StateTable& table, RandomCells& random);
  void erase_before(StateTable& table, RandomCells& random);

  TableSpec spec_;
  Contents contents_;
  std::map<std::string, std::int64_t> times_;  // rows whose ordered column is not NULL
};

}  // namespace stream
