// Savepoints and checkpoints in object storage: put there whole, and fetched whole to be read.
#pragma once

#include <string>
#include <vector>

#include "transport/base/status.h"

namespace stream {

// What the URL names, as it is below $STREAM_HOME/.fetched: a savepoint (a folder, a single file or an archive), a
// checkpoint (JOB/N), or the newest of a job (JOB). What is there already, and has not changed, is not fetched again.
// Errors: kUsage if there is nothing of that at the URL.
Result<std::string> fetch_snapshot(const std::string& url);

// Of what was fetched an hour ago or earlier, that in which none of these is: folders.
std::vector<std::string> unused_fetched(const std::vector<std::string>& used);

// Errors: kUsage if there is something at the URL.
Status check_free(const std::string& url);

// Uploads a savepoint of any form to where the URL says, its index last. Errors: as check_free().
Status store_savepoint(const std::string& path, const std::string& url);

// Deletes a savepoint of any form, its index first. What is gone already is done with.
Status remove_stored(const std::string& url);

// The same of one wherever it is, in a folder or in storage.
Status remove_wherever(const std::string& path);

// Of something that is only done to what is in folders.
Status not_in_storage(const std::string& what, const std::string& url);

}  // namespace stream
