// Explode: one row for each element of an array or of a text that is split.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stages/expression/expression.h"
#include "stages/kit/stage.h"

namespace stream {

// What an explode does. Planning and running derive it from the same options.
struct ExplodeDesign {
  Expression from;                      // JSON or VARCHAR
  std::string separator;                // of VARCHAR
  Type type;                            // of an element
  std::string name;                     // of its column
  std::optional<std::size_t> replaced;  // the input column whose place it takes; none: it stands behind all others
  std::string ordinality;               // name of the column that counts the elements; "" = none
  bool outer = false;
};

// nullopt with `error` set where the options are wrong for this input.
std::optional<ExplodeDesign> design_explode(const Values& options, const Schema& input, PlanError* error);
PlanAnswer plan_explode(const PlanRequest& request);

class Explode final : public Operator {
 public:
  static Result<std::unique_ptr<Operator>> make(Context& context);
  // `output`: null where nothing reads it.
  Explode(ExplodeDesign design, const Schema& input, SchemaPtr output);

  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;
  bool has_more() const override { return next_ < batch_.rows || sent_ < kept_.size(); }
  Status more(Emitter& out) override;

 private:
  void take_row();
  const char* append_elements(std::string_view value);
  Status explode_some(Emitter& out);
  Status take_piece(Emitter& out);
  Status send_some(Emitter& out);
  Column made_elements();
  void drop_failed(std::vector<std::uint32_t>* kept, std::size_t before) const;
  Status emit(std::span<const std::uint32_t> kept, Emitter& out) const;

  const ExplodeDesign design_;
  SchemaPtr output_;
  SchemaPtr text_schema_;            // one column: an element as text
  std::optional<Expression> cast_;   // of it to the type wanted
  std::vector<std::size_t> beside_;  // columns of the input that the output has too, of texts

  Batch batch_{nullptr, 0, {}, {}};  // being worked on, from row next_ on
  std::uint32_t next_ = 0;
  Column values_;                       // of `from`
  std::vector<RowError> value_errors_;  // of batch_, ascending
  std::size_t next_error_ = 0;

  const bool as_they_stand_;  // elements stay JSON
  // Of a piece: by element.
  ColumnBuilder elements_;
  std::vector<std::uint32_t> rows_;
  std::vector<std::int64_t> ordinals_;  // 0 = there is none
  std::vector<RowError> errors_;
  Column piece_;                     // the elements
  std::vector<std::uint32_t> kept_;  // of them, those of good rows
  std::size_t sent_ = 0;             // of those
};

}  // namespace stream
