// Savepoints as requests name them.
#pragma once

#include <string>

#include "supervisor/http/jobs.h"

namespace stream::http {

struct FoundSavepoint {
  std::int64_t epoch = 0;
  std::string path;
};

// By its number, its label, or "latest"; of copies in several forms the archive. Errors: kNotFound, saying what is near
// or there.
Result<FoundSavepoint> find_savepoint(Jobs& jobs, const std::string& job, const std::string& which);

// What may be given as where to begin: JOB@N, JOB@LABEL, JOB@latest, or an absolute path, which is taken as it is.
// Errors: as find_savepoint(), and kUsage.
Result<std::string> resolve_savepoint(Jobs& jobs, const std::string& reference);

}  // namespace stream::http
