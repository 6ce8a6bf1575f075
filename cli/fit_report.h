// What becomes of kept state, for people and for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "supervisor/state_fit.h"

namespace stream {

// A table with a line a reason and a remedy, then what concerns no table; each line with its end.
std::string fit_text(const StateFit& fit);

// Fields "fits", "tables", "misfits", "lost", "notes", "remedies".
nlohmann::ordered_json fit_json(const StateFit& fit);

}  // namespace stream
