// ObjectStore: what this project asks of S3-compatible storage. A seam: tests have one in memory that fails.
//
// An object is there as a whole or not at all, and who has written it reads it. Errors: kNotFound; kSystem for what may
// be otherwise in a moment (no answer, overload), after which it is unknown whether a change was made; everything else
// stays as it is when tried again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/status.h"

namespace stream {

struct ObjectFacts {
  std::string key;
  std::uint64_t size = 0;
  std::string etag;  // opaque; another one for other bytes
};

struct ObjectBytes {
  std::string bytes;
  std::string etag;
};

// What must hold when an object is written; nothing is checked by default.
struct PutCondition {
  bool if_absent = false;
  std::string if_etag = {};  // of what is there
};

struct UploadedPart {
  std::uint32_t number = 0;  // from 1
  std::string etag;
  friend bool operator==(const UploadedPart&, const UploadedPart&) = default;
};

struct OpenUpload {
  std::string key;
  std::string id;
};

// Any thread, several at once.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // The etag; none if the condition did not hold, and then nothing was written.
  virtual Result<std::optional<std::string>> put(const std::string& key, std::string_view bytes,
                                                 const PutCondition& condition) = 0;
  // Up to `size_max` bytes from this offset; fewer only at the end of the object, none behind it.
  virtual Result<ObjectBytes> get(const std::string& key, std::uint64_t offset, std::uint64_t size_max) = 0;
  virtual Result<ObjectFacts> facts(const std::string& key) = 0;
  // All objects whose keys begin like this, by key.
  virtual Result<std::vector<ObjectFacts>> list(const std::string& prefix) = 0;
  // Removing what does not exist is OK.
  virtual Status remove(const std::string& key) = 0;

  // An object in parts, of which all but the last have 5 MiB at least; there once it is completed, and only then.
  virtual Result<std::string> begin_upload(const std::string& key) = 0;
  virtual Result<std::string> upload_part(const OpenUpload& upload, std::uint32_t number, std::string_view bytes) = 0;
  // kNotFound: there is no such upload, or no longer.
  virtual Status complete_upload(const OpenUpload& upload, const std::vector<UploadedPart>& parts) = 0;
  virtual Status abort_upload(const OpenUpload& upload) = 0;
  virtual Result<std::vector<OpenUpload>> list_uploads(const std::string& prefix) = 0;
};

}  // namespace stream
