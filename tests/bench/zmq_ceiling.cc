// bench-zmq-ceiling [MEGABYTES [MESSAGE_BYTES [ADDRESS NAMESPACE plain|curve]]]: what bare ZeroMQ moves from one
// process to another, with the socket options of our channels, zero-copy sends and nothing else: over ipc, or over TCP
// to an address of this host from a network namespace, encrypted or not. Prints GB/s.
#include <fcntl.h>
#include <sched.h>
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

// One pair of keys for both ends; none: not encrypted.
struct Keys {
  char shared[41] = "";
  char secret[41] = "";
};

void encrypt(void* socket, const Keys& keys, bool server) {
  if (keys.secret[0] == 0) return;
  const int as_server = 1;
  if (server) zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &as_server, sizeof as_server);
  if (!server) zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, keys.shared, sizeof keys.shared);
  zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, keys.shared, sizeof keys.shared);
  zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, keys.secret, sizeof keys.secret);
}

void enter(const std::string& network_namespace) {
  const int file = ::open(("/run/netns/" + network_namespace).c_str(), O_RDONLY);
  if (file < 0 || ::setns(file, CLONE_NEWNET) != 0) std::exit(111);
  ::close(file);
}

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

void send_all(const std::string& endpoint, const Keys& keys, std::size_t messages, std::size_t size) {
  static std::vector<char> bytes;
  bytes.assign(size, 'x');
  void* context = zmq_ctx_new();
  void* socket = open_socket(context);
  encrypt(socket, keys, false);
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

// The endpoint that a bound socket has in fact.
std::string endpoint_of(void* socket) {
  char text[256];
  std::size_t size = sizeof text;
  return zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, text, &size) == 0 ? text : "";
}

double measure(const std::string& endpoint, const Keys& keys, const char* network_namespace, std::size_t messages,
               std::size_t size) {
  int told[2];
  if (::pipe(told) != 0) std::exit(111);
  const pid_t sender = ::fork();  // before there is a context, which has threads
  if (sender == 0) {
    char text[256] = "";
    if (::read(told[0], text, sizeof text - 1) <= 0) std::exit(111);
    if (network_namespace != nullptr) enter(network_namespace);
    send_all(text, keys, messages, size);
    std::exit(0);
  }
  void* context = zmq_ctx_new();
  void* socket = open_socket(context);
  encrypt(socket, keys, true);
  if (zmq_bind(socket, endpoint.c_str()) != 0) std::exit(111);
  const std::string bound = endpoint_of(socket);
  if (::write(told[1], bound.data(), bound.size()) <= 0) std::exit(111);
  const double seconds = receive_all(socket, messages);
  zmq_close(socket);
  zmq_ctx_term(context);
  ::waitpid(sender, nullptr, 0);
  return seconds;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t megabytes = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 4000;
  const std::size_t size = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 256 * 1024;
  const std::size_t messages = megabytes * 1'000'000 / size + 1;
  Keys keys;
  if (argc > 5 && std::string(argv[5]) == "curve") zmq_curve_keypair(keys.shared, keys.secret);
  double seconds = 0;
  if (argc > 5) {
    seconds = measure(std::string("tcp://") + argv[3] + ":*", keys, argv[4], messages, size);
  } else {
    char folder[] = "/tmp/stream-bench.XXXXXX";
    if (::mkdtemp(folder) == nullptr) return 111;
    const std::string path = std::string(folder) + "/ceiling";
    seconds = measure("ipc://" + path, keys, nullptr, messages, size);
    ::unlink(path.c_str());
    ::rmdir(folder);
  }
  std::printf("%.3f\n", static_cast<double>((messages - 1) * size) / seconds / 1e9);
  return 0;
}
