// Option values as JSON: how they stand in manifests, planning requests and assignments. One
// object; each option is a scalar, a list, or a map name -> expression.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stages/kit/option.h"

namespace stream {

struct OptionError {
  std::string option;
  std::string message;
};

// Checks `json` by the stage's own table and record_options(), adding fallbacks. Errors go to
// `errors`, one an option; what is returned then lacks those options.
Values check_values(std::span<const Option> own, std::string_view json, std::vector<OptionError>* errors);

// The same for one who needs no list. Errors: kUsage, "option 'window': …", the first one.
Result<Values> values_from_json(std::span<const Option> own, std::string_view json);

// The inverse: values_from_json(own, values_to_json(v)) == v. Values stand as text, lists and maps.
std::string values_to_json(const Values& values);

}  // namespace stream
