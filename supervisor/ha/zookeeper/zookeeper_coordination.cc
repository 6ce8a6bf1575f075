#include "supervisor/ha/zookeeper/zookeeper_coordination.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "transport/base/clock.h"

namespace stream::ha {
namespace {

constexpr Microseconds kConnectPatience = 10'000'000;
constexpr int kTextMax = 1'040'000;  // a node takes 1 MiB by default, with what is around it

// What the client has to say stands in what its calls return.
void say_nothing(const char*) {}

// The state is asked for where it matters.
void watch_nothing(zhandle_t*, int, int, const char*, void*) {}

}  // namespace

ZooKeeperCoordination::ZooKeeperCoordination(const Place& place, const std::string& job, const std::string& id)
    : place_(place), folder_((place.path == "/" ? "" : place.path) + "/" + job), alive_(folder_ + "/alive/" + id) {
  if (const char* auth = std::getenv("STREAM_ZOOKEEPER_AUTH")) auth_ = auth;
}

ZooKeeperCoordination::~ZooKeeperCoordination() {
  if (session_ != nullptr) zookeeper_close(session_);
}

Result<std::unique_ptr<ZooKeeperCoordination>> ZooKeeperCoordination::open(const Place& place, const std::string& job,
                                                                           const std::string& id) {
  zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
  std::unique_ptr<ZooKeeperCoordination> opened(new ZooKeeperCoordination(place, job, id));
  STREAM_TRY(opened->connect());
  const Microseconds deadline = system_clock().monotonic_us() + std::max(kConnectPatience, place.lease);
  for (;;) {
    Status made = opened->make_folders();
    if (made.ok()) return opened;
    if (made.code() != Code::kSystem || system_clock().monotonic_us() >= deadline) return made;
  }
}

Status ZooKeeperCoordination::connect() {
  if (session_ != nullptr) zookeeper_close(session_);
  session_ = zookeeper_init2(place_.hosts.c_str(), watch_nothing, static_cast<int>(place_.lease / 1000), nullptr,
                             nullptr, 0, say_nothing);
  if (session_ == nullptr) return system_error("reach", place_.text, errno);
  if (!auth_.empty()) {
    const int code = zoo_add_auth(session_, "digest", auth_.data(), static_cast<int>(auth_.size()), nullptr, nullptr);
    if (code != ZOK) return error(code, "authenticate at");
  }
  return {};
}

Status ZooKeeperCoordination::error(int code, const std::string& doing) const {
  const Code kind = code == ZNOAUTH || code == ZAUTHFAILED || code == ZINVALIDACL ? Code::kFailed : Code::kSystem;
  return {kind, "unable to " + doing + " '" + place_.text + "': " + zerror(code)};
}

int ZooKeeperCoordination::with_session(const std::function<int(zhandle_t*)>& call) {
  const std::lock_guard lock(mutex_);
  if (session_ == nullptr || zoo_state(session_) == ZOO_EXPIRED_SESSION_STATE) {
    if (!connect().ok()) return ZSYSTEMERROR;
  }
  return call(session_);
}

Status ZooKeeperCoordination::create_if_absent(const std::string& path) {
  const ACL_vector& acl = auth_.empty() ? ZOO_OPEN_ACL_UNSAFE : ZOO_CREATOR_ALL_ACL;
  const int code =
      with_session([&](zhandle_t* session) { return zoo_create(session, path.c_str(), "", 0, &acl, 0, nullptr, 0); });
  return code == ZOK || code == ZNODEEXISTS ? Status() : error(code, "make a node at");
}

Status ZooKeeperCoordination::make_folders() {
  const std::string deepest = folder_ + "/alive";
  for (std::size_t at = deepest.find('/', 1); at != std::string::npos; at = deepest.find('/', at + 1))
    STREAM_TRY(create_if_absent(deepest.substr(0, at)));
  return create_if_absent(deepest);
}

std::string ZooKeeperCoordination::path_of(Register which) const {
  return folder_ + (which == Register::kTerm ? "/term" : "/job");
}

Result<Entry> ZooKeeperCoordination::read(Register which) {
  std::vector<char> text(kTextMax);
  int size = kTextMax;
  Stat stat{};
  const int code = with_session(
      [&](zhandle_t* session) { return zoo_get(session, path_of(which).c_str(), 0, text.data(), &size, &stat); });
  if (code == ZNONODE) return Entry();
  if (code != ZOK) return error(code, "read at");
  return Entry{static_cast<std::uint64_t>(stat.version) + 1, std::string(text.data(), std::max(size, 0))};
}

Result<std::optional<std::uint64_t>> ZooKeeperCoordination::write(Register which, std::uint64_t expected,
                                                                  const std::string& text) {
  if (text.size() >= static_cast<std::size_t>(kTextMax)) {
    return failed("what is to be kept at '" + place_.text + "' has " + std::to_string(text.size()) +
                  " bytes, and ZooKeeper takes at most 1 MiB: the manifest is too long");
  }
  const ACL_vector& acl = auth_.empty() ? ZOO_OPEN_ACL_UNSAFE : ZOO_CREATOR_ALL_ACL;
  const std::string path = path_of(which);
  const int code = with_session([&](zhandle_t* session) {
    if (expected == 0)
      return zoo_create(session, path.c_str(), text.data(), static_cast<int>(text.size()), &acl, 0, nullptr, 0);
    return zoo_set(session, path.c_str(), text.data(), static_cast<int>(text.size()), static_cast<int>(expected - 1));
  });
  if (code == ZOK) return std::optional(expected + 1);
  if (code == ZBADVERSION || code == ZNODEEXISTS || code == ZNONODE) return std::optional<std::uint64_t>();
  return error(code, "write at");
}

// Its node is gone when the session is.
Status ZooKeeperCoordination::beat(std::uint64_t term) {
  const std::string text = std::to_string(term);
  const ACL_vector& acl = auth_.empty() ? ZOO_OPEN_ACL_UNSAFE : ZOO_CREATOR_ALL_ACL;
  const int code = with_session([&](zhandle_t* session) {
    Stat stat{};
    const int found = zoo_exists(session, alive_.c_str(), 0, &stat);
    if (found == ZOK && stat.ephemeralOwner == zoo_client_id(session)->client_id) return found;
    if (found == ZOK) (void)zoo_delete(session, alive_.c_str(), -1);  // of our session before
    if (found != ZOK && found != ZNONODE) return found;
    return zoo_create(session, alive_.c_str(), text.data(), static_cast<int>(text.size()), &acl, ZOO_EPHEMERAL, nullptr,
                      0);
  });
  return code == ZOK ? Status() : error(code, "show a sign of life at");
}

Result<Pulse> ZooKeeperCoordination::pulse(std::uint64_t, const std::string& leader) {
  const std::string path = folder_ + "/alive/" + leader;
  const int code = with_session([&](zhandle_t* session) { return zoo_exists(session, path.c_str(), 0, nullptr); });
  Pulse pulse;
  pulse.vouched = code == ZOK;
  pulse.gone = code == ZNONODE;
  if (code != ZOK && code != ZNONODE) return error(code, "look for the leader at");
  return pulse;
}

Status ZooKeeperCoordination::leave(std::uint64_t) {
  const int code = with_session([&](zhandle_t* session) { return zoo_delete(session, alive_.c_str(), -1); });
  return code == ZOK || code == ZNONODE ? Status() : error(code, "leave");
}

}  // namespace stream::ha

// What place.cc looks for in this library.
extern "C" stream::ha::Coordination* stream_open_zookeeper(const stream::ha::Place& place, const std::string& job,
                                                           const std::string& id, stream::Status& status) {
  auto opened = stream::ha::ZooKeeperCoordination::open(place, job, id);
  if (opened.ok()) return std::move(*opened).release();
  status = opened.status();
  return nullptr;
}
