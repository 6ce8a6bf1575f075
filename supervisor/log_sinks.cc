#include "supervisor/log_sinks.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>

#include "supervisor/metrics/addresses.h"
#include "supervisor/metrics/host.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr const char* kProgram = "stream";
constexpr const char* kSyslogSocket = "/dev/log";
constexpr const char* kJournalSocket = "/run/systemd/journal/socket";
constexpr std::string_view kFacilities =
    "kern|user|mail|daemon|auth|syslog|lpr|news|uucp|cron|authpriv|ftp|||||"
    "local0|local1|local2|local3|local4|local5|local6|local7";

int severity_of(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
    case LogLevel::kDebug: return LOG_DEBUG;
    case LogLevel::kInfo: return LOG_INFO;
    case LogLevel::kWarning: return LOG_WARNING;
    case LogLevel::kError: return LOG_ERR;
  }
  return LOG_INFO;
}

int facility_of(const std::string& word) {
  const std::vector<std::string> words = split(kFacilities, '|');
  const auto at = std::ranges::find(words, word);
  return at == words.end() ? LOG_DAEMON : static_cast<int>(at - words.begin()) << 3;
}

// What syslog is told where it takes no fields.
std::string told(const LogLine& line, const std::string& job) {
  const std::string who = line.stage.empty() ? "" : " " + line.stage + "." + std::to_string(line.instance);
  return job + who + " a" + std::to_string(line.attempt) + ": " + line.message;
}

// A socket to whoever listens there, made anew when that one was started again.
class Datagrams {
 public:
  // With `as_file` what is too large for a datagram is sent as a file without a name, as journald takes it.
  explicit Datagrams(std::string path, bool as_file = false) : as_file_(as_file), path_(std::move(path)) {}
  Datagrams(sockaddr_storage address, socklen_t size) : size_(size) {
    std::memcpy(&address_, &address, sizeof address);
  }
  ~Datagrams() { close(); }
  Datagrams(const Datagrams&) = delete;
  Datagrams& operator=(const Datagrams&) = delete;

  bool send(std::string_view bytes) {
    for (int tries = 0; tries < 2; ++tries) {
      if (!open()) return false;
      if (::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
      if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) return false;
      if (errno == EMSGSIZE) return send_as_file(bytes);
      close();
    }
    return false;
  }

 private:
  bool open() {
    if (fd_ >= 0) return true;
    if (!path_.empty() && !local_address()) return false;
    fd_ = ::socket(address_.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return false;
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address_), size_) == 0) return true;
    close();
    return false;
  }

  bool local_address() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path) return false;
    std::memcpy(address.sun_path, path_.c_str(), path_.size());
    std::memcpy(&address_, &address, sizeof address);
    size_ = sizeof address;
    return true;
  }

  // Others get the begin of it.
  bool send_as_file(std::string_view bytes) {
    if (!as_file_) return ::send(fd_, bytes.data(), std::min<std::size_t>(bytes.size(), 1024), MSG_DONTWAIT) >= 0;
    const int file = ::memfd_create("stream-log", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0) return false;
    bool sent = ::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
    sent = sent && ::fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> space{};
    msghdr message{};
    message.msg_control = space.data();
    message.msg_controllen = space.size();
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof file);
    std::memcpy(CMSG_DATA(head), &file, sizeof file);
    sent = sent && ::sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
    ::close(file);
    return sent;
  }

  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

  bool as_file_ = false;
  std::string path_;
  sockaddr_storage address_{};
  socklen_t size_ = 0;
  int fd_ = -1;
};

class StderrSink final : public LogSink {
 public:
  explicit StderrSink(const LogSinkSpec& spec) : LogSink(spec) {}

 private:
  // A pipe that polls as writable takes PIPE_BUF bytes; the rest of a longer line waits for the next.
  bool send(const LogLine& line, const std::string&, const std::string& json) override {
    if (!rest_.empty() && !flush()) return false;
    rest_ = (spec_.format == "json" ? json : to_text(line)) + "\n";
    flush();
    return true;
  }

  bool flush() {
    while (!rest_.empty()) {
      pollfd room{STDERR_FILENO, POLLOUT, 0};
      if (::poll(&room, 1, 0) != 1 || (room.revents & POLLOUT) == 0) return false;
      const ssize_t n = ::write(STDERR_FILENO, rest_.data(), std::min<std::size_t>(rest_.size(), PIPE_BUF));
      if (n <= 0) return false;
      rest_.erase(0, static_cast<std::size_t>(n));
    }
    return true;
  }

  std::string rest_;
};

class SyslogSink final : public LogSink {
 public:
  explicit SyslogSink(const LogSinkSpec& spec)
      : LogSink(spec), socket_(spec.address.empty() ? kSyslogSocket : spec.address) {}
  SyslogSink(const LogSinkSpec& spec, const sockaddr_storage& address, socklen_t size)
      : LogSink(spec), socket_(address, size), far_(true) {}

 private:
  bool send(const LogLine& line, const std::string& job, const std::string& json) override {
    const std::string text = spec_.format == "json" ? json : told(line, job);
    const int facility = facility_of(spec_.facility);
    return socket_.send(far_ ? syslog_5424(line, job, text, facility, host_) : syslog_local(line, text, facility));
  }

  Datagrams socket_;
  bool far_ = false;
  const std::string host_ = metrics::host_name();
};

class JournalSink final : public LogSink {
 public:
  explicit JournalSink(const LogSinkSpec& spec)
      : LogSink(spec), socket_(spec.address.empty() ? kJournalSocket : spec.address, true) {}

 private:
  bool send(const LogLine& line, const std::string& job, const std::string&) override {
    return socket_.send(journal_fields(line, job));
  }

  Datagrams socket_;
};

void add_field(std::string* out, std::string_view name, std::string_view value) {
  *out += name;
  if (value.find('\n') == std::string_view::npos) {
    *out += "=";
  } else {
    *out += "\n";
    for (int i = 0; i < 8; ++i) *out += static_cast<char>(value.size() >> (8 * i) & 0xff);
  }
  *out += value;
  *out += "\n";
}

// In the quoted value of a parameter.
std::string quoted(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == ']') out += '\\';
    out += c;
  }
  return out;
}

Result<std::unique_ptr<LogSink>> far_syslog(const LogSinkSpec& spec) {
  STREAM_ASSIGN(const metrics::Address address, metrics::parse_address(spec.address));
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
      error != 0)
    return failed("unable to find '" + spec.address + "': " + ::gai_strerror(error));
  sockaddr_storage place{};
  std::memcpy(&place, found->ai_addr, found->ai_addrlen);
  const socklen_t size = found->ai_addrlen;
  ::freeaddrinfo(found);
  return std::unique_ptr<LogSink>(new SyslogSink(spec, place, size));
}

}  // namespace

LogSink::LogSink(const LogSinkSpec& spec) : spec_(spec) {
  const auto least = parse_log_level(spec.level);
  least_ = least.ok() ? *least : LogLevel::kTrace;
}

void LogSink::put(const LogLine& line, const std::string& job, const std::string& json) {
  if (line.level < least_) return;
  if (left_out_ > 0) {
    LogLine missing = line;
    missing.stage.clear();
    missing.level = LogLevel::kWarning;
    missing.message =
        std::to_string(left_out_) + " lines were left out, as nobody took them; see 'stream logs " + job + "'";
    if (send(missing, job, to_json(missing, job))) left_out_ = 0;
  }
  if (left_out_ > 0 || !send(line, job, json)) ++left_out_;
}

Result<std::unique_ptr<LogSink>> make_log_sink(const LogSinkSpec& spec) {
  if (spec.kind == "stderr") return std::unique_ptr<LogSink>(new StderrSink(spec));
  if (spec.kind == "journald") return std::unique_ptr<LogSink>(new JournalSink(spec));
  if (spec.address.empty() || spec.address.starts_with('/')) return std::unique_ptr<LogSink>(new SyslogSink(spec));
  return far_syslog(spec);
}

std::string journal_fields(const LogLine& line, const std::string& job) {
  std::string out;
  add_field(&out, "MESSAGE", line.message);
  add_field(&out, "PRIORITY", std::to_string(severity_of(line.level)));
  add_field(&out, "SYSLOG_IDENTIFIER", kProgram);
  add_field(&out, "STREAM_JOB", job);
  add_field(&out, "STREAM_ATTEMPT", std::to_string(line.attempt));
  add_field(&out, "STREAM_CHECKPOINT", std::to_string(line.checkpoint));
  if (!line.stage.empty()) {
    add_field(&out, "STREAM_STAGE", line.stage);
    add_field(&out, "STREAM_INSTANCE", std::to_string(line.instance));
  }
  return out;
}

// As the C library's syslog(3) writes into /dev/log.
std::string syslog_local(const LogLine& line, const std::string& text, int facility) {
  const std::time_t seconds = line.at_us / 1'000'000;
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  char time[32];
  std::strftime(time, sizeof time, "%b %e %H:%M:%S", &parts);
  return "<" + std::to_string(facility | severity_of(line.level)) + ">" + time + " " + kProgram + "[" +
         std::to_string(::getpid()) + "]: " + text;
}

// RFC 5424, with structured data.
std::string syslog_5424(const LogLine& line, const std::string& job, const std::string& text, int facility,
                        const std::string& host) {
  std::string fields = "[stream@32473 job=\"" + quoted(job) + "\" attempt=\"" + std::to_string(line.attempt) +
                       "\" checkpoint=\"" + std::to_string(line.checkpoint) + "\"";
  if (!line.stage.empty())
    fields += " stage=\"" + quoted(line.stage) + "\" instance=\"" + std::to_string(line.instance) + "\"";
  return "<" + std::to_string(facility | severity_of(line.level)) + ">1 " + log_timestamp(line.at_us) + " " + host +
         " " + kProgram + " " + std::to_string(::getpid()) + " - " + fields + "] " + text;
}

}  // namespace stream
