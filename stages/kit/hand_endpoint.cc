#include "stages/kit/hand_endpoint.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>

#include "stages/kit/instance.h"
#include "transport/base/text.h"

namespace stream {

namespace {

constexpr std::string_view kScheme = "ipc://";

bool listens(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::copy(path.begin(), path.end(), address.sun_path);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool live = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return live;
}

bool loopback(const std::string& endpoint) {
  return !endpoint.starts_with("tcp://") || endpoint.starts_with("tcp://127.") ||
         endpoint.starts_with("tcp://localhost:") || endpoint.starts_with("tcp://[::1]:");
}

}  // namespace

Status check_place(const std::string& endpoint) {
  if (!endpoint.starts_with(kScheme)) return {};
  const std::string path = endpoint.substr(kScheme.size());
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return {};
  if (!S_ISSOCK(info.st_mode))
    return usage_error("unable to bind '" + endpoint + "': a file that is no socket is there");
  if (!listens(path)) return {};
  return {Code::kSystem, "unable to bind '" + endpoint + "': another process listens there"};
}

Status check_endpoint(const std::string& endpoint, bool encrypted) {
  if (!endpoint.starts_with("ipc://") && !endpoint.starts_with("tcp://")) {
    return usage_error("'" + endpoint + "' is not an endpoint; write ipc:///path or tcp://host:port");
  }
  if (endpoint.starts_with("ipc://") && endpoint.size() - 6 > 107) {
    return usage_error("the path of '" + endpoint + "' is " + std::to_string(endpoint.size() - 6) +
                       " bytes long; the system allows 107: choose a shorter one");
  }
  if (!loopback(endpoint) && !encrypted) {
    return usage_error("'" + endpoint +
                       "' leaves this host unencrypted; add --key-file with the same file on both ends");
  }
  return {};
}

namespace {

// Where a name ends that stands before an endpoint; npos if there is none.
std::size_t end_of_name(const std::string& text) {
  const std::size_t equals = text.find('=');
  return equals < text.find("://") ? equals : std::string::npos;
}

}  // namespace

Result<InEndpoint> parse_in(const StageProgram& program, const std::string& text) {
  const std::size_t end = end_of_name(text);
  const bool named = end != std::string::npos;
  const bool several = program.inputs_max > 1;
  if (named == several) return named ? InEndpoint{text.substr(0, end), text.substr(end + 1)} : InEndpoint{"in", text};
  if (several) {
    return usage_error("--in: '" + std::string(program.name) + "' tells its inputs apart: write --in NAME=" + text);
  }
  return usage_error("--in: '" + std::string(program.name) + "' has one input, which needs no name");
}

Result<OutEndpoint> parse_out(const std::vector<std::string>& names, const std::string& text) {
  const std::size_t end = end_of_name(text);
  OutEndpoint out{0, text};
  if (end != std::string::npos) {
    const std::string name = text.substr(0, end);
    const auto at = std::ranges::find(names, name);
    if (at == names.end()) { return usage_error("--out: no output '" + name + "'" + did_you_mean(name, names)); }
    out = {static_cast<std::size_t>(at - names.begin()), text.substr(end + 1)};
  }
  return out;
}

}  // namespace stream
