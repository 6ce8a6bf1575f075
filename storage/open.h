// Opens storage by its URL. What speaks to it is loaded then, and not before.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "storage/object_store.h"
#include "storage/place.h"

namespace stream {

// Requests that get no answer are tried again for `place.patience`. `folder`: what references to files of keys start
// from. Errors: kUsage for credentials that are not there; kFailed where the package is missing. Speaks to nobody yet.
Result<std::unique_ptr<ObjectStore>> open_storage(const StoragePlace& place, const std::string& folder = "/");

// Uploads a file under a name below `url`; opens the storage with the first. For one thread.
using SendFile = std::function<Status(const std::string& path, const std::string& name)>;
SendFile sender_to(const std::string& url);
// … and makes a file of `size` bytes from what has a name there; not synced.
using ReceiveFile = std::function<Status(const std::string& name, std::uint64_t size, const std::string& path)>;
ReceiveFile receiver_from(const std::string& url);

}  // namespace stream
