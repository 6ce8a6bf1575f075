// ResultComparison: two results in files, read side by side, and the rows they differ in.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compare/result_diff.h"
#include "compare/result_reader.h"
#include "transport/base/clock.h"

namespace stream {

struct ResultPlace {
  std::string path = {};
  ResultForm form = ResultForm::kNdjson;
  std::string table = {};                                // kSqlite
  std::optional<std::vector<std::string>> columns = {};  // where they are known without looking
  bool growing = false;                                  // a job writes it: see read_rows()
};

struct ResultPair {
  std::string of = {};  // how users call it: a stage, a table, "rows"
  std::array<ResultPlace, 2> places = {};
  DiffOptions options = {};
};

class ResultComparison {
 public:
  // Errors: those of ResultDiff::announce() and of the readers.
  static Result<std::unique_ptr<ResultComparison>> start(ResultPair pair, const std::string& scratch,
                                                         std::uint64_t bytes_max);

  // Reads both as far as they go now, but not longer than about `time` if that is not 0. True if there is more.
  Result<bool> read_on(Microseconds time);

  ResultDiff& diff() { return diff_; }
  const ResultDiff& diff() const { return diff_; }
  const std::string& of() const { return pair_.of; }

 private:
  ResultComparison(ResultPair pair, const std::string& scratch, std::uint64_t bytes_max);
  Status open();
  Result<bool> read_some(Side side);

  ResultPair pair_;
  ResultDiff diff_;
  std::array<std::unique_ptr<ResultReader>, 2> readers_;
};

}  // namespace stream
