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

namespace {

// Opened with the first use.
struct Target {
  std::string url;
  StoragePlace place = {};
  std::unique_ptr<ObjectStore> store = {};

  Status open() {
    if (store) return {};
    STREAM_ASSIGN(place, parse_storage(url));
    STREAM_ASSIGN(store, open_storage(place));
    return {};
  }
};

}  // namespace

SendFile sender_to(const std::string& url) {
  return [target = std::make_shared<Target>(Target{url})](const std::string& path, const std::string& name) -> Status {
    STREAM_TRY(target->open());
    return upload_file(*target->store, path, target->place.key(name), target->place.part_bytes);
  };
}

ReceiveFile receiver_from(const std::string& url) {
  return [target = std::make_shared<Target>(Target{url})](const std::string& name, std::uint64_t size,
                                                          const std::string& path) -> Status {
    STREAM_TRY(target->open());
    return download_file(*target->store, target->place.key(name), size, path, target->place.part_bytes);
  };
}

}  // namespace stream
