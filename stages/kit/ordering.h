// Ordering: "price desc, ts": what comes first, as ORDER BY of SQL says.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stages/kit/plan.h"
#include "transport/record/column.h"
#include "transport/record/schema.h"

namespace stream {

struct OrderColumn {
  std::size_t column = 0;  // of the schema
  bool descending = false;
  bool nulls_first = false;
};

// Reads "column [asc | desc] [nulls first | nulls last], …". As in PostgreSQL NULL counts as the largest
// value unless said otherwise. nullopt with `error` set, whose option is `option`.
std::optional<std::vector<OrderColumn>> parse_ordering(std::string_view text, const Schema& schema, std::string option,
                                                       PlanError* error);

// The same again in one spelling, for the definition of a state table.
std::string to_string(std::span<const OrderColumn> ordering, const Schema& schema);

// Sort keys of rows: byte strings that compare as the ordering says.
class OrderKeys {
 public:
  // One key a row, from the columns named in the ordering, which stand in that order, and then from
  // `arrival`, BIGINT without NULLs, so that no two are equal.
  void make(std::span<const OrderColumn> ordering, std::span<const Column> columns, const Column& arrival);

  std::size_t size() const { return size_; }
  std::string_view operator[](std::size_t row) const {
    if (stride_ != 0) return {bytes_.data() + row * stride_, stride_};
    const std::size_t begin = row == 0 ? 0 : ends_[row - 1];
    return std::string_view(bytes_).substr(begin, ends_[row] - begin);
  }

 private:
  class Fixed;

  std::string bytes_;
  std::vector<std::size_t> ends_;  // where keys are of different lengths
  std::size_t stride_ = 0;         // where they are not; 0: they are
  std::size_t size_ = 0;
};

}  // namespace stream
