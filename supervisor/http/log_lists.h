// Logs of some jobs.
#pragma once

#include <string>
#include <vector>

#include "supervisor/http/call.h"

namespace stream::http {

Answer log_list(Call& call, const std::vector<std::string>& jobs);
// That the path's {filename} is, if one of the jobs has it.
Answer log_file(Call& call, const std::vector<std::string>& jobs);

}  // namespace stream::http
