#include "supervisor/kubernetes/overlay.h"

#include <algorithm>

namespace stream::kubernetes {
namespace {

using json = nlohmann::ordered_json;

// What tells an item of a list from the others; null if nothing does.
const char* key_of(const json& list) {
  for (const char* key : {"mountPath", "name"}) {
    const auto has = [&](const json& item) { return item.is_object() && item.contains(key); };
    if (!list.empty() && std::ranges::all_of(list, has)) return key;
  }
  return nullptr;
}

json merged_list(json base, const json& over, const char* key) {
  for (const json& item : over) {
    const auto same = [&](const json& one) { return one.is_object() && one.contains(key) && one[key] == item[key]; };
    const auto at = std::ranges::find_if(base, same);
    if (at == base.end())
      base.push_back(item);
    else
      *at = overlaid(*at, item);
  }
  return base;
}

}  // namespace

json overlaid(json base, const json& over) {
  if (base.is_array() && over.is_array() && key_of(over) != nullptr)
    return merged_list(std::move(base), over, key_of(over));
  if (!base.is_object() || !over.is_object()) return over;
  for (const auto& [key, value] : over.items()) {
    if (value.is_null())
      base.erase(key);
    else
      base[key] = overlaid(base.contains(key) ? base[key] : json(), value);
  }
  return base;
}

}  // namespace stream::kubernetes
