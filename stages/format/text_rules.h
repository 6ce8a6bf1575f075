// TextRules: what a decoder needs to read values, made once from the options.
#pragma once

#include <memory>

#include "stages/format/options.h"
#include "stages/format/time_format.h"
#include "stages/format/timestamp.h"
#include "stages/format/zone.h"

namespace stream::format {

class TextRules {
 public:
  // Errors: kUsage for a zone or time format that does not exist.
  static Result<TextRules> make(const FormatOptions& options);

  // Valid as long as this object stays where it is.
  TimeRules times() const { return {zone_.get(), time_format_.get(), unit_}; }

 private:
  std::shared_ptr<const Zone> zone_;
  std::shared_ptr<const TimeFormat> time_format_;
  TimeUnit unit_ = TimeUnit::kNone;
};

}  // namespace stream::format
