// Objects in S3-compatible storage as files: a glob is a pattern of keys, a folder a prefix that ends in "/".
//
// A position names an object as "s3://BUCKET/KEY": without the options of the URL, which say how it is reached now.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "stages/read-file/input_files.h"
#include "storage/object_store.h"
#include "storage/place.h"

namespace stream {

using OpenStore = std::function<Result<std::unique_ptr<ObjectStore>>(const StoragePlace&)>;

class ObjectInputFiles final : public InputFiles {
 public:
  // Storage is opened with the first question.
  ObjectInputFiles(std::string url, OpenStore open) : url_(std::move(url)), open_(std::move(open)) {}

  Result<std::vector<std::string>> expand(const std::string& path) override;
  Result<std::unique_ptr<InputFile>> open(const std::string& path) override;
  Result<FileFacts> facts(const std::string& path) override;

 private:
  Result<ObjectStore*> store();
  Result<std::string> key_of(const std::string& path) const;
  std::string path_of(const std::string& key) const { return "s3://" + place_.bucket + "/" + key; }
  Result<std::vector<std::string>> below(const std::string& folder);
  Result<std::vector<std::string>> match(const std::string& pattern);

  const std::string url_;
  const OpenStore open_;
  StoragePlace place_;
  std::unique_ptr<ObjectStore> store_;
};

// By which what the path names is read; lives for the whole process.
InputFiles& input_files_of(const std::string& path);
// What tells the format: the path, without the options of a URL.
std::string name_of_input(const std::string& path);

}  // namespace stream
