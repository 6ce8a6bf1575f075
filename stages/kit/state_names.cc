#include "stages/kit/state_names.h"

#include "transport/base/text.h"

namespace stream {

std::string StateColumnNames::add(std::string name) {
  if (name.empty()) name = "value";
  while (!taken_.insert(lower(name)).second) name += '_';
  return name;
}

}  // namespace stream
