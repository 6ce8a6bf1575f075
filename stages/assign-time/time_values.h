// TimeValues: the values of a column as instants.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "stages/expression/expression.h"
#include "stages/format/options.h"
#include "stages/format/time_format.h"
#include "stages/format/zone.h"
#include "stages/kit/option.h"
#include "stages/kit/plan.h"

namespace stream {

class TimeValues {
 public:
  // nullopt with `error` set where the options do not say how values of this type are times.
  static std::optional<TimeValues> make(const Values& options, Type type, PlanError* error);

  // A TIMESTAMP column. `errors` gets the rows that have no time, ascending.
  Column convert(const Column& values, std::vector<RowError>* errors) const;

 private:
  explicit TimeValues(Type type) : type_(type) {}
  bool read_text_options(const Values& options, PlanError* error);
  bool read_unit(const Values& options, PlanError* error);
  const char* read(const Column& values, std::size_t row, std::int64_t& instant) const;

  Type type_;
  TimeUnit unit_ = TimeUnit::kNone;
  std::shared_ptr<const format::Zone> zone_;
  std::shared_ptr<const format::TimeFormat> format_;
};

}  // namespace stream
