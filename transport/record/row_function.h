// RowFunction: a column computed from the columns of rows, for those who do not know the language it is written in.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "transport/base/status.h"
#include "transport/record/batch.h"

namespace stream {

// Any thread.
class RowFunction {
 public:
  virtual ~RowFunction() = default;
  virtual Type type() const = 0;
  virtual bool total() const = 0;                        // has a value for every row there may be
  virtual std::vector<std::size_t> columns() const = 0;  // it reads, ascending
  // A value a row. Errors: kUsage, saying why there is none for a row, and for how many.
  virtual Result<Column> compute(const Batch& rows) const = 0;
};

class RowLanguage {
 public:
  virtual ~RowLanguage() = default;
  // What gives the same value for the same row whenever it is asked. Errors: kUsage, what is wrong with the text.
  virtual Result<std::shared_ptr<const RowFunction>> compile(std::string_view text, const Schema& rows) const = 0;
};

}  // namespace stream
