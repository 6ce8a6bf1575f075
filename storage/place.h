// StoragePlace: what a URL of storage says.
//
//   s3://BUCKET/PREFIX?endpoint=http://host:9000&region=eu-west-1
//   file:///FOLDER
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream {

struct StoragePlace {
  std::string bucket;
  std::string prefix;          // of keys, without slashes around it; "" = the whole bucket
  std::string endpoint;        // "" = Amazon's for the region
  std::string region;          // "" = $AWS_REGION, $AWS_DEFAULT_REGION, else us-east-1
  bool bucket_in_path = true;  // http://HOST/BUCKET/KEY, else http://BUCKET.HOST/KEY
  std::string profile;         // of the credentials file; "" = $AWS_PROFILE, else default
  std::string access_key;      // references, see transport/base/secret.h; "" = as every S3 program does
  std::string secret_key;
  Microseconds patience = 20'000'000;  // how long a request is tried again that gets no answer
  std::uint64_t part_bytes = 8 << 20;  // of objects that go in parts
  std::string options;                 // as they were written, with their '?'

  std::string key(std::string_view name) const;  // of `name` below the prefix
  // The same storage with a name below the prefix, as a URL.
  std::string below(std::string_view name) const;
  // For people: without the options.
  std::string text() const { return "s3://" + bucket + (prefix.empty() ? "" : "/" + prefix); }
};

// Whether the text is of storage that is no folder.
bool is_object_url(std::string_view text);
// "file:///FOLDER" -> "/FOLDER"; everything else as it is.
Result<std::string> plain_path(const std::string& text);

// What an option names: a URL of storage as it is, else a path, absolute or below `folder`, whatever way it is written.
std::string located(const std::string& folder, const std::string& path);

// Errors: kUsage, saying what is wrong and how it is written.
Result<StoragePlace> parse_storage(const std::string& url);

// "/PATH?QUERY" as it is signed: everything but letters, digits, "-._~" and, in a path, "/" as %XX.
std::string url_encoded(std::string_view text, bool keep_slashes);
Result<std::string> url_decoded(std::string_view text);

}  // namespace stream
