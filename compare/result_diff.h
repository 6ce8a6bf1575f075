// ResultDiff: what two results differ in, row by row, whatever order their rows come in.
//
// With a key rows are matched by it, and those of which both sides have one are compared column by column. Without,
// results are multisets: a row that A has twice and B once is once only in A. Of a stream of changes the rows are
// compared that remain; rows that were there before either side began cancel out, as both take back the same ones.
//
//   announce(A) announce(B) (add | finish)*
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "compare/net_rows.h"
#include "compare/result_value.h"

namespace stream {

enum class Side : std::uint8_t { kA, kB };
inline constexpr std::array kSides = {Side::kA, Side::kB};
constexpr std::size_t index_of(Side side) { return side == Side::kA ? 0 : 1; }
constexpr const char* name_of(Side side) { return side == Side::kA ? "A" : "B"; }

struct DiffOptions {
  std::vector<std::string> key = {};  // empty: rows are compared as a whole
  std::set<std::string> ignore = {};  // columns
  double tolerance = 0;               // how far two numbers may be apart
  bool loose = false;                 // see loosened()
  std::set<std::string> reals = {};   // columns whose integers are reals that happen to be integral
  bool goes_on = false;               // there were rows before: those that are written from here on are counted
};

struct DiffCounts {
  std::uint64_t rows_a = 0;
  std::uint64_t rows_b = 0;
  std::uint64_t only_a = 0;
  std::uint64_t only_b = 0;
  std::uint64_t differing = 0;  // in both by their key, with other values

  bool equal() const { return only_a == 0 && only_b == 0 && differing == 0; }
};

// Columns that are not NULL, by their number.
using ResultRecord = std::map<std::size_t, ResultValue>;

struct RecordColumns {
  std::vector<std::string> names = {};  // by number
  std::size_t keys = 0;                 // the first ones
};

class DiffVisitor {
 public:
  virtual ~DiffVisitor() = default;
  virtual Status only(Side side, const ResultRecord& row, std::uint64_t times) = 0;
  virtual Status differs(const ResultRecord& a, const ResultRecord& b, std::span<const std::size_t> columns,
                         std::uint64_t times) = 0;
};

class ResultDiff {
 public:
  // Beyond `bytes_max` of rows that do not cancel out, a file in `scratch` is used.
  ResultDiff(DiffOptions options, std::string scratch, std::uint64_t bytes_max);

  // The columns of a side, as far as they are known before its rows. What only one of them has is a note, and is not
  // compared. Errors: kUsage for a key or a column to ignore that there is not.
  Status announce(std::array<std::vector<std::string>, 2> columns);
  std::span<const std::string> notes() const { return notes_; }

  // A row of a side, or with `times` < 0 one that is taken back. `names` of a side only grow from call to call, and
  // belong to the values; a row may have fewer. Errors: kSystem.
  Status add(Side side, std::span<const std::string> names, std::span<const ResultValue> values, int times);

  // Of what has been added up to now. Errors: kSystem, those of the visitor.
  Result<DiffCounts> finish(DiffVisitor& visitor);
  // The same without looking at rows twice: `differing` rows count as rows that only one side has.
  DiffCounts so_far() const;
  bool so_far_exact() const { return net_.exact(); }

  const RecordColumns& columns() const { return columns_; }

 private:
  struct Item {
    ResultRecord record;
    std::uint64_t times;
  };
  struct Group {
    std::string key;
    std::array<std::vector<Item>, 2> items = {};
    std::size_t size() const { return items[0].size() + items[1].size(); }
  };
  std::optional<std::size_t> number_of(Side side, std::span<const std::string> names, std::size_t at);
  std::size_t number(const std::string& name);
  bool soft(std::size_t column, const ResultValue& value) const;
  Status match(Group& group, DiffVisitor& visitor, DiffCounts& counts) const;
  void cancel(Group& group) const;
  bool about_same(const ResultRecord& a, const ResultRecord& b) const;
  std::vector<std::size_t> differing(const ResultRecord& a, const ResultRecord& b) const;

  DiffOptions options_;
  NetRows net_;
  RecordColumns columns_;
  std::map<std::string, std::size_t, std::less<>> numbers_;
  std::set<std::string> left_out_;
  std::array<std::vector<std::optional<std::size_t>>, 2> mapped_;  // of each side's names
  std::array<std::int64_t, 2> rows_ = {};
  std::vector<std::string> notes_;
  std::vector<const ResultValue*> row_;  // of the row that is added, by number
  std::string key_bytes_;
  std::string row_bytes_;
};

}  // namespace stream
