// LuaResults: the rows that a script emits. What a call emits before it fails is not emitted.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "stages/format/value.h"
#include "stages/kit/stage.h"

namespace stream {

bool is_varchar(std::string_view text);
// Appends a text that a script gave for a column. False if it is no value of the column's type.
bool append_text(std::string_view text, ColumnBuilder& out);

class LuaResults {
 public:
  explicit LuaResults(SchemaPtr schema);  // null where nothing reads them

  void begin() { at_ = -1; }  // the rows of another batch come
  ColumnBuilder& column(std::int32_t k) { return builder_->column(static_cast<std::size_t>(k)); }
  // The row is complete; `at`: the row that the script works on.
  void end_row(std::int32_t at);
  // The script has failed at this row.
  void failed(std::int32_t at);

  // As much as there is room for.
  Status emit(Emitter& out);
  bool empty() const { return done_.empty() && (!builder_ || builder_->rows() == 0); }

 private:
  struct Dropped {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  void close();
  void close_before();
  void hand_over(Batch batch);

  std::optional<BatchBuilder> builder_;
  std::vector<Dropped> dropped_;
  std::size_t begun_ = 0;  // rows there were when the call for row at_ emitted its first
  std::int32_t at_ = -1;
  std::deque<Batch> done_;
};

}  // namespace stream
