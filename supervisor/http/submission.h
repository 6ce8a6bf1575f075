// What somebody else's manifest may do on this machine: name files inside of the folders that the server was given,
// run no programs, and read nothing of the server's environment.
#pragma once

#include <string>
#include <vector>

#include "supervisor/http/settings.h"
#include "supervisor/pipeline.h"
#include "supervisor/stage_info.h"
#include "transport/base/files.h"

namespace stream::http {

// Whether a path, with all links followed as far as it is there, is one of the folders or inside of one. Patterns are
// taken for names: what matters is the folder they are in.
bool is_inside(const std::string& path, const std::vector<std::string>& folders);

// Reads a manifest and checks it against the permissions. Gives the names of its pipelines. Errors: kUsage, a line for
// each thing that is wrong.
Result<std::vector<std::string>> check_submission(const std::string& text, const Permissions& permissions,
                                                  Catalogue& catalogue, Files& files);

}  // namespace stream::http
