// The savepoints a job knows of: what is said of them, and copies of them in another form. Nothing of that is in the
// savepoints themselves, whose hashes stay what they are.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "supervisor/job_store.h"

namespace stream {

// What is to be said of a savepoint from now on; what is none stays, what is "" is taken away.
struct SavepointMark {
  std::string path = {};
  std::optional<std::string> label = std::nullopt;
  std::optional<std::string> note = std::nullopt;
};

nlohmann::json mark_to_json(const SavepointMark& mark);
SavepointMark mark_from_json(const nlohmann::json& json);

// Errors: kFailed if the job has no such savepoint, or the label is that of another one that is there.
Status mark_savepoint(JobStore& store, const SavepointMark& mark);

// Whether a savepoint besides that at `path` has the label. Errors: kFailed.
Status check_free_label(JobStore& store, const std::string& label, const std::string& path);

// Lists `copy`, the same state in another form, beside `path`, which is listed. Done again it changes nothing.
// Errors: kFailed if `path` is not listed any more.
Status list_copy(JobStore& store, const std::string& path, const std::string& copy);

}  // namespace stream
