#include "supervisor/kubernetes/pod/place.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "supervisor/kubernetes/api/api.h"
#include "supervisor/kubernetes/api/trouble.h"
#include "supervisor/kubernetes/pod/key.h"
#include "supervisor/kubernetes/pod/sockets.h"
#include "supervisor/kubernetes/pod/tls_link.h"
#include "transport/base/text.h"

namespace stream::kubernetes {
namespace {

using nlohmann::json;

constexpr Microseconds kCallPatience = 10'000'000;
constexpr Microseconds kRunPatience = 110'000'000;  // less than the supervisor has
constexpr Microseconds kGonePatience = 20'000'000;
constexpr Microseconds kHandshake = 5'000'000;
constexpr int kLookEveryMs = 1000;
constexpr int kTryAgainMs = 200;

Result<std::string> variable(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0')
    return usage_error(std::string(name) +
                       " is not set: hosts with 'via: pod' are for jobs that 'stream deploy --on "
                       "kubernetes' has brought there");
  return std::string(text);
}

class PlacedPod {
 public:
  PlacedPod(ApiPlace api, PodWish wish)
      : api_(std::move(api), kCallPatience), wish_(std::move(wish)), name_(pod_name(wish_)) {}

  // Whatever has its name goes: it is of an attempt before, or of another supervisor.
  Status clear() {
    const Microseconds until = system_clock().monotonic_us() + kGonePatience;
    for (;;) {
      STREAM_ASSIGN(const ApiAnswer answer, api_.call("DELETE", path(), {{"gracePeriodSeconds", 0}}));
      if (answer.status == 404) return {};
      if (answer.status >= 300) return status_of("delete Pod '" + name_ + "'", answer);
      if (system_clock().monotonic_us() >= until) return failed("Pod '" + name_ + "' is deleted and does not go");
      ::poll(nullptr, 0, kTryAgainMs);
    }
  }

  Status tell_key(const std::string& key, const std::string& address) {
    const json change = {{"stringData", {{"key", key_text(key)}, {"address", address}}}};
    STREAM_ASSIGN(const ApiAnswer answer, api_.call("PATCH", api_.path_of("api/v1", "secrets") + "/" + name_, change));
    return answer.status == 200 ? Status() : status_of("change Secret '" + name_ + "'", answer);
  }

  Status make(const std::string& pod_template) {
    STREAM_ASSIGN(const json pod, pod_object(json::parse(pod_template, nullptr, false), wish_));
    STREAM_ASSIGN(const ApiAnswer answer, api_.call("POST", api_.path_of("api/v1", "pods"), pod));
    return answer.status == 201 ? Status() : status_of("make Pod '" + name_ + "'", answer);
  }

  // What the cluster says keeps it from running. Errors: kNotFound, if somebody has deleted it.
  Result<std::string> trouble() {
    STREAM_ASSIGN(const ApiAnswer answer, api_.call("GET", path()));
    if (answer.status != 200) return status_of("look at Pod '" + name_ + "'", answer);
    return trouble_of(answer.body);
  }

  void remove() { (void)api_.call("DELETE", path()); }

  const std::string& name() const { return name_; }

 private:
  std::string path() const { return api_.path_of("api/v1", "pods") + "/" + name_; }

  Api api_;
  PodWish wish_;
  std::string name_;
};

// The first that shows the key. Whoever does not is turned away.
std::optional<TlsLink> accept_one(int door, const std::string& key) {
  const int socket = ::accept4(door, nullptr, nullptr, SOCK_CLOEXEC);
  if (socket < 0) return std::nullopt;
  auto link = TlsLink::accept(socket, key, kHandshake);
  if (!link.ok()) return std::nullopt;
  return *std::move(link);
}

Result<TlsLink> wait_for_agent(PlacedPod& pod, int door, const std::string& key) {
  const Microseconds until = system_clock().monotonic_us() + kRunPatience;
  std::string trouble = "it has not connected";
  while (system_clock().monotonic_us() < until) {
    pollfd ready[] = {{door, POLLIN, 0}, {STDIN_FILENO, POLLRDHUP, 0}};
    ::poll(ready, std::size(ready), kLookEveryMs);
    if ((ready[1].revents & (POLLRDHUP | POLLHUP)) != 0) return Status(Code::kPeerGone, "the supervisor has ended");
    if ((ready[0].revents & POLLIN) != 0) {
      if (auto link = accept_one(door, key)) return *std::move(link);
      continue;
    }
    auto told = pod.trouble();
    if (!told.ok() && told.status().code() != Code::kSystem) return std::move(told).status();
    if (told.ok() && !told->empty()) trouble = *told;
  }
  return failed("Pod '" + pod.name() + "' has not begun to run within " + format_duration(kRunPatience) + ": " +
                trouble);
}

Status serve(PlacedPod& pod, int door, const std::string& pod_template) {
  STREAM_ASSIGN(const std::string key, make_key());
  STREAM_TRY(pod.clear());
  STREAM_TRY(pod.tell_key(key, own_end(door)));
  STREAM_TRY(pod.make(pod_template));
  auto link = wait_for_agent(pod, door, key);
  if (link.ok()) {
    ::close(door);
    relay(*link, STDIN_FILENO, STDOUT_FILENO);
  }
  pod.remove();
  return link.status();
}

}  // namespace

Status place(PodWish wish) {
  STREAM_ASSIGN(wish.owner, variable("STREAM_POD_NAME"));
  STREAM_ASSIGN(wish.owner_uid, variable("STREAM_POD_UID"));
  STREAM_ASSIGN(const std::string number, variable("STREAM_POD_IP"));
  STREAM_ASSIGN(const std::string pod_template, variable("STREAM_POD_TEMPLATE"));
  STREAM_ASSIGN(ApiPlace api, api_of_this_pod());
  std::error_code error;
  wish.program = std::filesystem::read_symlink("/proc/self/exe", error).string();
  if (error) return system_error("find", "this program", error.value());
  STREAM_ASSIGN(const int door, listen_at(number));
  PlacedPod pod(std::move(api), std::move(wish));
  return serve(pod, door, pod_template);
}

}  // namespace stream::kubernetes
