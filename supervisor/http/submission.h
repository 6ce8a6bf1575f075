// What somebody else's manifest may do on this machine: name files inside of the folders that the server was given,
// run no programs, and read nothing of the server's environment.
#pragma once

#include <map>
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

// Whether requests may read the savepoint there: it is in a folder of the permissions, or in one where jobs of this
// user keep theirs. Errors: kUsage.
Status check_savepoint_place(const std::string& path, const Permissions& permissions);

// How a manifest is to be taken.
struct Submission {
  std::string text;
  std::string name = {};                               // in place of its own; "" = that
  std::map<std::string, std::string> parameters = {};  // of the manifest
  std::string from = {};                               // path of a savepoint to begin with; "" = none
  bool drop_state = false;                             // … of stages that are gone
};

// Reads a manifest and checks it against the permissions. Gives the names of its pipelines. Errors: kUsage, a line for
// each thing that is wrong.
Result<std::vector<std::string>> check_submission(const Submission& submission, const Permissions& permissions,
                                                  Catalogue& catalogue, Files& files);

// The same of what has been read already, whatever it was read from.
void inspect(const PipelineSpec& pipeline, const Permissions& permissions, Catalogue& catalogue, Problems& problems);

}  // namespace stream::http
