// What `stream deploy` is told of a pipeline, and what becomes of the objects that it prints. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "supervisor/kubernetes/controller/model.h"
#include "transport/base/status.h"

namespace stream::kubernetes {

inline constexpr char kApplied[] = "stream.pipelines/applied";  // annotation of the Deployment: of what it was made

// Who has made the objects.
struct Owner {
  std::string name;
  std::string uid;
  std::string space;
};

// Arguments of `stream`, and the files that they name, in a folder where it is run.
struct Told {
  std::vector<std::string> args;
  std::map<std::string, std::string> files;
};
Told deploy_told(const Kept& kept, const Owner& owner, const std::string& tokens);

// A line an object; with their owner, without Pods where it is suspended. Errors: kCorrupt.
Result<std::vector<nlohmann::json>> objects_of(const std::string& lines, const Kept& kept, const Owner& owner);

// The annotation of the Deployment among them.
std::string applied_of(const std::vector<nlohmann::json>& objects);

// Where the API server has an object: its group with version, and what its kind is called in a path.
struct Address {
  std::string group;
  std::string kind;
  std::string name;
};
Result<Address> address_of(const nlohmann::json& object);

}  // namespace stream::kubernetes
