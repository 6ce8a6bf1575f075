// bench-zmq-ceiling [MEGABYTES [MESSAGE_BYTES]]: what bare ZeroMQ moves over ipc from one process to
// another, with the socket options of our channels, zero-copy sends and nothing else. Prints GB/s.
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

constexpr int kHighWaterMark = 64;
constexpr int kKernelBuffer = 1 << 20;

void* open_socket(void* context) {
  void* socket = zmq_socket(context, ZMQ_DEALER);
  for (const auto& [option, value] : {std::pair{ZMQ_SNDHWM, kHighWaterMark},
                                      {ZMQ_RCVHWM, kHighWaterMark},
                                      {ZMQ_SNDBUF, kKernelBuffer},
                                      {ZMQ_RCVBUF, kKernelBuffer},
                                      {ZMQ_LINGER, -1}}) {
    zmq_setsockopt(socket, option, &value, sizeof value);
  }
  return socket;
}

void send_all(const std::string& endpoint, std::size_t messages, std::size_t size) {
  static std::vector<char> bytes;
  bytes.assign(size, 'x');
  void* context = zmq_ctx_new();
  void* socket = open_socket(context);
  if (zmq_connect(socket, endpoint.c_str()) != 0) std::exit(111);
  for (std::size_t i = 0; i < messages; ++i) {
    zmq_msg_t message;
    zmq_msg_init_data(
        &message, bytes.data(), size, [](void*, void*) {}, nullptr);
    if (zmq_msg_send(&message, socket, 0) < 0) std::exit(111);
  }
  zmq_close(socket);
  zmq_ctx_term(context);
}

// Seconds from the first message to the last.
double receive_all(void* socket, std::size_t messages) {
  std::chrono::steady_clock::time_point first;
  for (std::size_t i = 0; i < messages; ++i) {
    zmq_msg_t message;
    zmq_msg_init(&message);
    if (zmq_msg_recv(&message, socket, 0) < 0) std::exit(111);
    if (i == 0) first = std::chrono::steady_clock::now();
    zmq_msg_close(&message);
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - first).count();
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t megabytes = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 4000;
  const std::size_t size = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 256 * 1024;
  const std::size_t messages = megabytes * 1'000'000 / size + 1;
  char folder[] = "/tmp/stream-bench.XXXXXX";
  if (::mkdtemp(folder) == nullptr) return 111;
  const std::string path = std::string(folder) + "/ceiling";
  const std::string endpoint = "ipc://" + path;
  const pid_t sender = ::fork();  // before there is a context, which has threads
  if (sender == 0) {
    send_all(endpoint, messages, size);
    return 0;
  }
  void* context = zmq_ctx_new();
  void* socket = open_socket(context);
  if (zmq_bind(socket, endpoint.c_str()) != 0) return 111;
  const double seconds = receive_all(socket, messages);
  zmq_close(socket);
  zmq_ctx_term(context);
  ::waitpid(sender, nullptr, 0);
  ::unlink(path.c_str());
  ::rmdir(folder);
  std::printf("%.3f\n", static_cast<double>((messages - 1) * size) / seconds / 1e9);
  return 0;
}
