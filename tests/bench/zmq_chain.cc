// bench-zmq-chain MESSAGES_A_SECOND SECONDS: how long a message takes through a chain of three processes joined by
// bare ZeroMQ over ipc: a timer, two hops, nothing else. What a chain of stages cannot be faster than on this machine.
// Prints JSON: percentiles, in microseconds since the message was due, and how late the timer alone was.
#include <poll.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

namespace {

constexpr std::size_t kMessageBytes = 256;  // a small frame: 82 bytes of header and a few rows

struct Times {
  std::int64_t due_us = 0;
  std::int64_t sent_us = 0;
};

std::int64_t now_us() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000 + now.tv_nsec / 1000;
}

struct Socket {
  void* context = zmq_ctx_new();
  void* handle = zmq_socket(context, ZMQ_DEALER);

  explicit Socket(const std::string& endpoint, bool binds) {
    const int done = binds ? zmq_bind(handle, endpoint.c_str()) : zmq_connect(handle, endpoint.c_str());
    if (done != 0) std::exit(111);
  }
  ~Socket() {
    zmq_close(handle);
    zmq_ctx_term(context);
  }
  void send(const Times& times) {
    std::vector<char> bytes(kMessageBytes);
    std::copy_n(reinterpret_cast<const char*>(&times), sizeof times, bytes.data());
    if (zmq_send(handle, bytes.data(), bytes.size(), 0) < 0) std::exit(111);
  }
  Times receive() {
    char bytes[kMessageBytes];
    if (zmq_recv(handle, bytes, sizeof bytes, 0) != kMessageBytes) std::exit(111);
    Times times;
    std::copy_n(bytes, sizeof times, reinterpret_cast<char*>(&times));
    return times;
  }
};

void make_all(const std::string& endpoint, std::int64_t rate, std::int64_t messages) {
  Socket out(endpoint, false);
  const int timer = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  const std::int64_t begin = now_us() + 100'000;
  for (std::int64_t i = 0; i < messages; ++i) {
    const std::int64_t due = begin + i * 1'000'000 / rate;
    if (due > now_us()) {
      itimerspec at{};
      at.it_value = {due / 1'000'000, due % 1'000'000 * 1000};
      ::timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, nullptr);
      std::uint64_t expired = 0;
      if (::read(timer, &expired, sizeof expired) < 0) std::exit(111);
    }
    out.send({due, now_us()});
  }
  ::close(timer);
}

void pass_all(const std::string& from, const std::string& to, std::int64_t messages) {
  Socket in(from, true);
  Socket out(to, false);
  for (std::int64_t i = 0; i < messages; ++i) out.send(in.receive());
}

void print(const char* name, std::vector<std::int64_t>& times) {
  std::ranges::sort(times);
  const auto at = [&](double share) { return times[static_cast<std::size_t>(share * double(times.size() - 1))]; };
  std::printf("\"%s\":{\"p50\":%ld,\"p90\":%ld,\"p99\":%ld,\"p999\":%ld,\"max\":%ld}", name, at(0.5), at(0.9), at(0.99),
              at(0.999), times.back());
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t rate = argc > 1 ? std::atoll(argv[1]) : 1000;
  const std::int64_t messages = rate * (argc > 2 ? std::atoll(argv[2]) : 5);
  char folder[] = "/tmp/stream-bench.XXXXXX";
  if (::mkdtemp(folder) == nullptr) return 111;
  const std::string first = std::string(folder) + "/a";
  const std::string second = std::string(folder) + "/b";
  if (::fork() == 0) {
    make_all("ipc://" + first, rate, messages);
    std::_Exit(0);
  }
  if (::fork() == 0) {
    pass_all("ipc://" + first, "ipc://" + second, messages);
    std::_Exit(0);
  }
  std::vector<std::int64_t> late, arrived;
  {
    Socket in("ipc://" + second, true);
    for (std::int64_t i = 0; i < messages; ++i) {
      const Times times = in.receive();
      if (i < rate) continue;  // the first second, as in the chain of stages
      arrived.push_back(now_us() - times.due_us);
      late.push_back(times.sent_us - times.due_us);
    }
  }
  while (::wait(nullptr) > 0) continue;
  for (const std::string& path : {first, second}) ::unlink(path.c_str());
  ::rmdir(folder);
  std::printf("{");
  print("timer", late);
  std::printf(",");
  print("chain", arrived);
  std::printf("}\n");
  return 0;
}
