#include "stages/kit/option_columns.h"

#include <algorithm>

#include "transport/base/text.h"

namespace stream {

bool find_columns(const Values& options, const std::string& option, const Schema& schema,
                  std::vector<std::size_t>* columns, PlanError* error) {
  for (const std::string& name : options.list(option)) {
    const auto at = schema.find(name);
    if (!at) {
      const std::string near = did_you_mean(name, schema.names());
      *error = {option, 0, "no column '" + name + "'", near.empty() ? "" : near.substr(2)};
      return false;
    }
    if (std::ranges::find(*columns, *at) != columns->end()) {
      *error = {option, 0, "'" + name + "' stands twice", ""};
      return false;
    }
    columns->push_back(*at);
  }
  return true;
}

}  // namespace stream
