// Why a Pod does not begin to run. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace stream::kubernetes {

// As its status has it; "" = nothing is known to be wrong.
std::string trouble_of(const nlohmann::json& pod);

}  // namespace stream::kubernetes
