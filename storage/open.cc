#include "storage/open.h"

#include <dlfcn.h>

#include <chrono>
#include <thread>

#include "storage/credentials.h"
#include "storage/retry.h"
#include "storage/transfer.h"
#include "transport/base/files.h"

namespace stream {
namespace {

constexpr char kLibrary[] = "libstream-s3.so";

// A pause between two tries, bounded by the patience of the place. Stages that read and write objects wait here in
// their loop.
bool sleep_for(Microseconds wait) {
  std::this_thread::sleep_for(std::chrono::microseconds(wait));
  return true;
}

}  // namespace

Result<std::unique_ptr<ObjectStore>> open_storage(const StoragePlace& place, const std::string& folder) {
  STREAM_ASSIGN(const Credentials credentials, find_credentials(system_files(), place, folder));
  void* const library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);  // for good
  if (library == nullptr)
    return failed("unable to speak to '" + place.text() + "': " + ::dlerror() +
                  "; it is in the package stream-pipelines-s3");
  using Open = ObjectStore* (*)(const StoragePlace&, const Credentials&, Status&);
  const auto open = reinterpret_cast<Open>(::dlsym(library, "stream_open_s3"));
  if (open == nullptr) return failed(std::string("'") + kLibrary + "' is of another version of stream");
  Status status;
  std::unique_ptr<ObjectStore> opened(open(place, credentials, status));
  if (!opened) return status;
  return make_retrying(std::move(opened), {.patience = place.patience}, system_clock(), sleep_for);
}

SendFile sender_to(const std::string& url) {
  struct Target {
    StoragePlace place;
    std::unique_ptr<ObjectStore> store;
  };
  return [url, target = std::make_shared<Target>()](const std::string& path, const std::string& name) -> Status {
    if (!target->store) {
      STREAM_ASSIGN(target->place, parse_storage(url));
      STREAM_ASSIGN(target->store, open_storage(target->place));
    }
    return upload_file(*target->store, path, target->place.key(name), target->place.part_bytes);
  };
}

}  // namespace stream
