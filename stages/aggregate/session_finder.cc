#include "stages/aggregate/session_finder.h"

#include <algorithm>
#include <numeric>

#include "transport/record/key.h"

namespace stream {
namespace {

TableSpec numbers_spec(const TableSpec& sessions) {
  TableSpec spec;
  spec.name = "numbers";
  spec.key.assign(sessions.key.begin(), sessions.key.end() - 1);
  std::vector<Field> taken = spec.key;
  spec.value = {{free_name("number", taken), kBigint}};
  return spec;
}

}  // namespace

SessionFinder::SessionFinder(const AggregateDesign& design, const StateTable& sessions)
    : design_(design),
      sessions_(sessions),
      gap_(design.window->size),
      numbers_(std::make_unique<StateTable>(numbers_spec(design.table), false)),
      key_columns_(design.table.key.size() - 1) {
  std::iota(key_columns_.begin(), key_columns_.end(), std::size_t{0});
}

void SessionFinder::find(const Batch& keys, const std::int64_t* times) {
  found_.clear();
  absorbed_.clear();
  session_of_.resize(keys.rows);
  number_keys(keys);
  sort_rows(times);
  find_heads(keys);
  for (std::size_t n = 0; n < first_of_.size(); ++n) {
    read_known(heads_[n]);
    sweep(std::span(order_).subspan(begin_of_[n], begin_of_[n + 1] - begin_of_[n]), times);
  }
}

void SessionFinder::number_keys(const Batch& keys) {
  const std::size_t expected = numbers_->rows();
  numbers_->clear();
  numbers_->expect(expected);
  hashes_.resize(keys.rows);
  rows_.resize(keys.rows);
  inserted_.resize(keys.rows);
  number_of_.resize(keys.rows);
  first_of_.clear();
  hash_keys(keys, key_columns_, hashes_);
  numbers_->upsert(keys, key_columns_, hashes_, rows_, inserted_);
  const std::size_t column = key_columns_.size();
  for (std::uint32_t i = 0; i < keys.rows; ++i) {
    if (inserted_[i] != 0) {
      *numbers_->at<std::int64_t>(rows_[i], column) = static_cast<std::int64_t>(first_of_.size());
      first_of_.push_back(i);
    }
    number_of_[i] = static_cast<std::uint32_t>(*numbers_->at<std::int64_t>(rows_[i], column));
  }
}

// By counting: rows mostly come in the order of time.
void SessionFinder::sort_rows(const std::int64_t* times) {
  begin_of_.assign(first_of_.size() + 1, 0);
  for (const std::uint32_t number : number_of_) ++begin_of_[number + 1];
  std::partial_sum(begin_of_.begin(), begin_of_.end(), begin_of_.begin());
  std::vector<std::uint32_t> next(begin_of_.begin(), begin_of_.end() - 1);
  order_.resize(number_of_.size());
  for (std::uint32_t i = 0; i < number_of_.size(); ++i) order_[next[number_of_[i]]++] = i;
  const auto earlier_row = [&](std::uint32_t a, std::uint32_t b) { return times[a] < times[b]; };
  for (std::size_t n = 0; n < first_of_.size(); ++n) {
    const auto begin = order_.begin() + begin_of_[n];
    const auto end = order_.begin() + begin_of_[n + 1];
    if (!std::is_sorted(begin, end, earlier_row)) std::stable_sort(begin, end, earlier_row);
  }
}

void SessionFinder::find_heads(const Batch& keys) {
  const Batch different = first_of_.size() == keys.rows ? keys : keys.take(first_of_);
  for (std::size_t n = 0; n < first_of_.size(); ++n) hashes_[n] = hashes_[first_of_[n]];
  heads_.resize(first_of_.size());
  sessions_.find_prefix(different, key_columns_, std::span(hashes_).first(first_of_.size()), heads_);
}

void SessionFinder::read_known(Row head) {
  known_.clear();
  for (Row row = head; row; row = sessions_.next_of_prefix(row)) {
    known_.push_back({row, sessions_.get<std::int64_t>(row, design_.session.start),
                      sessions_.get<std::int64_t>(row, design_.session.last), 0});
  }
  if (known_.size() > 1) std::ranges::sort(known_, {}, &Session::start);
}

// `next` starts no earlier than those joined before.
void SessionFinder::join(const Session& next, bool of_batch) {
  if (open_ && next.start - found_.back().last < gap_) {
    Session& session = found_.back();
    session.last = std::max(session.last, next.last);
    if (of_batch) {
      session.first = next.first;
    } else if (session.row) {
      absorbed_.push_back({next.row, static_cast<std::uint32_t>(found_.size() - 1)});
    } else {
      session.row = next.row;
    }
    has_rows_ |= of_batch;
    return;
  }
  if (open_ && !has_rows_) found_.pop_back();
  found_.push_back(next);
  open_ = true;
  has_rows_ = of_batch;
}

void SessionFinder::sweep(std::span<const std::uint32_t> rows, const std::int64_t* times) {
  open_ = false;
  auto known = known_.begin();
  for (const std::uint32_t row : rows) {
    for (; known != known_.end() && known->start <= times[row]; ++known) join(*known, false);
    join({Row(), times[row], times[row], row}, true);
    session_of_[row] = static_cast<std::uint32_t>(found_.size() - 1);
  }
  // Nothing of the batch is in a session that comes later, unless it is one with the last.
  for (; known != known_.end() && known->start - found_.back().last < gap_; ++known) join(*known, false);
}

}  // namespace stream
