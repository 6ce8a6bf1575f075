// SessionFinder: which session each row of a batch belongs to. Changes no state.
#pragma once

#include <memory>
#include <vector>

#include "snapshot/state_table.h"
#include "stages/aggregate/design.h"
#include "transport/record/batch.h"

namespace stream {

// A session as it will be when the batch has been added.
struct Session {
  Row row;  // where it is kept; null: it begins with this batch
  Microseconds start = 0;
  Microseconds last = 0;    // time of the last row
  std::uint32_t first = 0;  // a row of the batch that belongs to it
};

class SessionFinder {
 public:
  // `sessions`: the table of the design. References outlive it.
  SessionFinder(const AggregateDesign& design, const StateTable& sessions);

  // `keys`: the columns in front of the session in its table's key. Sorts by key and time, and sweeps: rows and
  // sessions less than the gap apart are one.
  void find(const Batch& keys, const std::int64_t* times);

  std::vector<Session>& sessions() { return found_; }
  // By row of the batch, the index of its session.
  const std::vector<std::uint32_t>& session_of() const { return session_of_; }
  // Sessions that are one with another: where they are kept, and the index of the one they become.
  struct Absorbed {
    Row row;
    std::uint32_t into = 0;
  };
  const std::vector<Absorbed>& absorbed() const { return absorbed_; }

 private:
  void number_keys(const Batch& keys);
  void sort_rows(const std::int64_t* times);
  void find_heads(const Batch& keys);
  void read_known(Row head);
  void sweep(std::span<const std::uint32_t> rows, const std::int64_t* times);
  void join(const Session& next, bool of_batch);

  const AggregateDesign& design_;
  const StateTable& sessions_;
  const Microseconds gap_;
  std::unique_ptr<StateTable> numbers_;  // different keys of the batch -> 0, 1, …
  std::vector<std::size_t> key_columns_;

  std::vector<Session> found_;
  std::vector<std::uint32_t> session_of_;
  std::vector<Absorbed> absorbed_;

  std::vector<std::uint64_t> hashes_;
  std::vector<Row> rows_;
  std::vector<std::uint8_t> inserted_;
  std::vector<std::uint32_t> number_of_;  // by row
  std::vector<std::uint32_t> first_of_;   // by number: the first row
  std::vector<std::uint32_t> order_;      // rows by number, then time
  std::vector<std::uint32_t> begin_of_;   // by number, and the end: where its rows begin in order_
  std::vector<Row> heads_;                // by number: some session that is kept
  std::vector<Session> known_;            // those of one key, by start
  bool open_ = false;                     // the last session found may go on
  bool has_rows_ = false;                 // … and rows of the batch are in it
};

}  // namespace stream
