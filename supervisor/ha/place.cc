#include <dlfcn.h>

#include <algorithm>
#include <vector>

#include "supervisor/ha/coordination.h"
#include "supervisor/ha/file_coordination.h"
#include "transport/base/text.h"

namespace stream::ha {
namespace {

constexpr Microseconds kLeaseMin = 100'000;
constexpr Microseconds kLeaseMax = 600'000'000;

Status wrong(const std::string& text, const std::string& why) {
  return usage_error("'" + text + "' is no place for several supervisors: " + why +
                     "; write file:///shared/folder, zookeeper://host1,host2,host3/path or kubernetes:///namespace");
}

Status take_lease(const std::string& value, Place& place) {
  const auto lease = parse_duration(value);
  if (!lease.ok() || *lease < kLeaseMin || *lease > kLeaseMax)
    return wrong(place.text, "a lease is from 100ms to 10m, as in lease=2s");
  place.lease = *lease;
  return {};
}

Status take_option(const std::string& option, Place& place) {
  const std::size_t equals = option.find('=');
  const std::string name = option.substr(0, equals),
                    value = equals == std::string::npos ? "" : option.substr(equals + 1);
  if (name == "lease") return take_lease(value, place);
  if (name == "deployment" && !value.empty()) {
    place.deployment = value;
    return {};
  }
  if (place.scheme != "kubernetes")
    return wrong(place.text, "there is no option '" + name + "', only lease and deployment");
  if (std::ranges::find(kPlaceFiles, name) == std::end(kPlaceFiles))
    return wrong(place.text, "there is no option '" + name + "', only lease, deployment, " + join(kPlaceFiles, ", "));
  if (!value.starts_with('/')) return wrong(place.text, "'" + name + "' is a path that begins with '/'");
  place.options[name] = value;
  return {};
}

Status check_kubernetes(const Place& place) {
  const bool asks = place.options.contains("token-file") || place.options.contains("cert-file");
  if (place.path.find('/', 1) != std::string::npos)
    return wrong(place.text, "the path is the name of a namespace, without another '/'");
  if (place.options.contains("cert-file") != place.options.contains("key-file"))
    return wrong(place.text, "'cert-file' and 'key-file' go together");
  if (place.hosts.empty()) return {};
  if (place.path == "/") return wrong(place.text, "the namespace is missing");
  if (!asks)
    return wrong(
        place.text,
        "an API server that is named must be told who asks: 'token-file=/path', or 'cert-file' and 'key-file'");
  return {};
}

Status check_scheme(const Place& place) {
  if (place.scheme == "kubernetes") return check_kubernetes(place);
  if (place.scheme == "file" && !place.hosts.empty())
    return wrong(place.text, "a folder has no host: 'file:///' has three strokes");
  if (place.scheme == "zookeeper" && place.hosts.empty()) return wrong(place.text, "no host is named");
  if (place.scheme != "file" && place.scheme != "zookeeper")
    return wrong(place.text, "'" + place.scheme + "' is not known");
  return {};
}

}  // namespace

Result<Place> parse_place(const std::string& text) {
  Place place;
  place.text = text;
  const std::size_t mark = text.find("://");
  if (mark == std::string::npos) return wrong(text, "'://' is missing");
  place.scheme = text.substr(0, mark);
  std::string rest = text.substr(mark + 3);
  if (const std::size_t query = rest.find('?'); query != std::string::npos) {
    for (const std::string& option : split(rest.substr(query + 1), '&')) STREAM_TRY(take_option(option, place));
    rest.resize(query);
  }
  const std::size_t slash = rest.find('/');
  if (slash == std::string::npos) return wrong(text, "the path is missing");
  place.hosts = rest.substr(0, slash);
  place.path = rest.substr(slash);
  while (place.path.size() > 1 && place.path.ends_with('/')) place.path.pop_back();
  STREAM_TRY(check_scheme(place));
  return place;
}

std::string Place::identity() const {
  std::vector<std::string> sorted = split(hosts, ',');
  std::ranges::sort(sorted);
  return scheme + "://" + join(sorted, ",") + path;
}

namespace {

// What speaks to a place outside, and what it is called in its library.
struct Loaded {
  const char* scheme;
  const char* what;
  const char* library;
  const char* entry;
  const char* package;
};
constexpr Loaded kLoaded[] = {
    {"zookeeper", "ZooKeeper", "libstream-zookeeper.so", "stream_open_zookeeper", "stream-pipelines-zookeeper"},
    {"kubernetes", "Kubernetes", "libstream-kubernetes.so", "stream_open_kubernetes", "stream-pipelines-http"},
};

// Loaded only here: no other use of stream needs them.
Result<std::unique_ptr<Coordination>> load(const Loaded& kind, const Place& place, const std::string& job,
                                           const std::string& id) {
  void* const library = ::dlopen(kind.library, RTLD_NOW | RTLD_LOCAL);  // for good
  if (library == nullptr)
    return failed(std::string("unable to speak to ") + kind.what + ": " + ::dlerror() + "; it is in the package " +
                  kind.package);
  using Open = Coordination* (*)(const Place&, const std::string&, const std::string&, Status&);
  const auto open = reinterpret_cast<Open>(::dlsym(library, kind.entry));
  if (open == nullptr) return failed(std::string("'") + kind.library + "' is of another version of stream");
  Status status;
  std::unique_ptr<Coordination> opened(open(place, job, id, status));
  if (!opened) return status;
  return opened;
}

}  // namespace

Result<std::unique_ptr<Coordination>> open_coordination(const Place& place, const std::string& job,
                                                        const std::string& id) {
  for (const Loaded& kind : kLoaded) {
    if (place.scheme == kind.scheme) return load(kind, place, job, id);
  }
  STREAM_ASSIGN(std::unique_ptr<FileCoordination> opened, FileCoordination::open(system_files(), place.path, job, id));
  return std::unique_ptr<Coordination>(std::move(opened));
}

}  // namespace stream::ha
