#include "stages/read-mqtt/client.h"

#include <charconv>
#include <cstdlib>
#include <cstring>

#include "transport/base/text.h"

namespace stream::mqtt {
namespace {

constexpr Microseconds kRetryAfter = 200'000;
constexpr int kConnectSeconds = 5;
constexpr int kKeepAliveSeconds = 20;
constexpr std::string_view kReceived = "r-";  // keys of the store: a message of QoS 2 that has come
constexpr std::string_view kQueued = "q-";    // a message for the program: then it is acknowledged

int number_in(const char* bytes, int size) {
  int number = 0;
  std::memcpy(&number, bytes, std::min(sizeof number, static_cast<std::size_t>(size)));
  return number;
}

// An entry of the library's queue: sizes and values, each a buffer.
struct Queued {
  enum Buffer : int { kPayloadSize, kPayload, kQos, kRetained, kDuplicate, kPacket, kTopic, kCount };

  static Letter letter(char* buffers[], int sizes[]) {
    Letter out;
    out.qos = static_cast<std::uint8_t>(number_in(buffers[kQos], sizes[kQos]));
    out.retained = number_in(buffers[kRetained], sizes[kRetained]) != 0;
    out.packet = static_cast<std::uint16_t>(number_in(buffers[kPacket], sizes[kPacket]));
    out.topic = std::string_view(buffers[kTopic], static_cast<std::size_t>(sizes[kTopic]) - 1);
    out.payload = std::string_view(buffers[kPayload], static_cast<std::size_t>(sizes[kPayload]));
    return out;
  }
};

// A PUBLISH of this id, with a topic and nothing else: the message itself is in the inbox.
std::string stand_in(std::uint16_t packet) {
  std::string bytes("\x34\x05\x00\x01x", 5);
  bytes += static_cast<char>(packet >> 8);
  bytes += static_cast<char>(packet & 0xff);
  return bytes;
}

char* copied(std::string_view text) {
  auto* out = static_cast<char*>(std::malloc(text.size() + 1));
  std::memcpy(out, text.data(), text.size());
  out[text.size()] = '\0';
  return out;
}

int arrived(void* /*context*/, char* topic, int /*size*/, MQTTClient_message* message) {
  MQTTClient_freeMessage(&message);
  MQTTClient_free(topic);
  return 1;  // it is in the inbox
}

}  // namespace

int Client::put(void* handle, char* key, int count, char* buffers[], int sizes[]) {
  auto& mailbox = static_cast<Client*>(handle)->mailbox_;
  const std::string_view name = key;
  if (name.starts_with(kReceived) && count == 2) {
    const auto letter =
        published(static_cast<unsigned char>(buffers[0][0]), {buffers[1], static_cast<std::size_t>(sizes[1])});
    if (!letter.ok()) return MQTTCLIENT_PERSISTENCE_ERROR;
    mailbox.take_held(*letter);
  }
  if (name.starts_with(kQueued) && count >= Queued::kCount) {
    const Letter letter = Queued::letter(buffers, sizes);
    if (letter.qos == 2) {
      mailbox.release(letter.packet);
    } else {
      mailbox.take(letter);
    }
  }
  return 0;
}

int Client::keys(void* handle, char*** keys, int* count) {
  const auto held = static_cast<Client*>(handle)->mailbox_.held();
  *count = static_cast<int>(held.size());
  *keys = held.empty() ? nullptr : static_cast<char**>(std::malloc(held.size() * sizeof(char*)));
  std::size_t at = 0;
  for (const auto& [packet, mark] : held) (*keys)[at++] = copied(std::string(kReceived) + std::to_string(packet));
  return 0;
}

int Client::get(void* /*handle*/, char* key, char** buffer, int* size) {
  const std::string_view name = key;
  std::uint16_t packet = 0;
  if (!name.starts_with(kReceived)) return MQTTCLIENT_PERSISTENCE_ERROR;
  std::from_chars(name.data() + kReceived.size(), name.data() + name.size(), packet);
  const std::string bytes = stand_in(packet);
  *buffer = copied(bytes);
  *size = static_cast<int>(bytes.size());
  return 0;
}

Client::Client(Subscription subscription, Mailbox& mailbox, const Clock& clock)
    : subscription_(std::move(subscription)), mailbox_(mailbox), clock_(clock), patience_(subscription_.patience) {
  store_.context = this;
  store_.popen = [](void** handle, const char*, const char*, void* context) {
    *handle = context;
    return 0;
  };
  store_.pclose = [](void*) { return 0; };
  store_.pput = put;
  store_.pget = get;
  store_.premove = [](void*, char*) { return 0; };
  store_.pkeys = keys;
  store_.pclear = [](void*) { return 0; };
  store_.pcontainskey = [](void*, char*) { return MQTTCLIENT_PERSISTENCE_ERROR; };
  std::thread([this] { run(); }).detach();
}

Status Client::error() {
  const std::lock_guard lock(mutex_);
  return error_;
}

Status Client::connect() {
  MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
  MQTTClient_SSLOptions tls = MQTTClient_SSLOptions_initializer;
  options.cleansession = subscription_.keep_session ? 0 : 1;
  options.connectTimeout = kConnectSeconds;
  options.keepAliveInterval = kKeepAliveSeconds;
  options.MQTTVersion = MQTTVERSION_3_1_1;
  const auto text_or_null = [](const std::string& text) { return text.empty() ? nullptr : text.c_str(); };
  options.username = text_or_null(subscription_.user);
  options.password = text_or_null(subscription_.password);
  tls.verify = 1;
  tls.trustStore = text_or_null(subscription_.tls.authority);
  tls.keyStore = text_or_null(subscription_.tls.certificate);
  tls.privateKey = text_or_null(subscription_.tls.key);
  tls.ssl_error_cb = [](const char* words, std::size_t size, void* to) {
    static_cast<std::string*>(to)->append(words, size);
    return 1;
  };
  tls.ssl_error_context = &tls_words_;
  if (subscription_.broker.starts_with("ssl://")) options.ssl = &tls;
  tls_words_.clear();
  const int done = MQTTClient_connect(client_, &options);
  if (done != MQTTCLIENT_SUCCESS) return not_connected(done);
  if (options.returned.sessionPresent == 0) mailbox_.release_all();
  return {};
}

Status Client::not_connected(int done) const {
  const std::string doing = "unable to connect to '" + subscription_.server + "'";
  const auto failing = [&](const std::string& why) { return failed(doing + ": " + why); };
  if (done == 4 || done == 5) return usage_error(doing + ": refused; check 'user' and 'password'");
  if (tls_words_.find("certificate verify failed") != std::string::npos) {
    return not_trusted("certificate verify failed").while_doing(doing);
  }
  if (!tls_words_.empty()) return failing("TLS: " + std::string(trim(tls_words_)));
  if (done == 3) return failing("the server is unavailable");
  if (done != MQTTCLIENT_FAILURE) return failing(done > 0 ? "refused" : MQTTClient_strerror(done));
  // The library tells no more than that.
  const bool tls = subscription_.broker.starts_with("ssl://");
  return failing(tls ? "nobody answers there, or not in TLS, or with a certificate of another host"
                     : "nobody answers there, or the port is one for TLS (mqtts://)");
}

Status Client::subscribe() {
  std::vector<char*> topics;
  for (const std::string& topic : subscription_.topics) topics.push_back(const_cast<char*>(topic.c_str()));
  std::vector<int> granted(topics.size(), subscription_.qos);
  const int done = MQTTClient_subscribeMany(client_, static_cast<int>(topics.size()), topics.data(), granted.data());
  if (done != MQTTCLIENT_SUCCESS) return failed("unable to subscribe: the connection was lost");
  for (std::size_t i = 0; i < topics.size(); ++i) {
    if (granted[i] == subscription_.qos) continue;
    const std::string topic = "topic '" + subscription_.topics[i] + "'";
    if (granted[i] == MQTT_BAD_SUBSCRIBE)
      return usage_error("the broker lets nobody read " + topic + " under this name");
    return usage_error("the broker gives " + topic + " with QoS " + std::to_string(granted[i]) +
                       " at most; set 'qos' to that");
  }
  return {};
}

// False: no more, the error is told.
bool Client::may_go_on(const Status& status) {
  if (status.ok()) {
    patience_.succeeded();
    return true;
  }
  const Microseconds now = clock_.monotonic_us();
  if (patience_.lasts(status, now, now + kRetryAfter)) {
    std::this_thread::sleep_for(std::chrono::microseconds(kRetryAfter));
    return true;
  }
  const std::lock_guard lock(mutex_);
  error_ = status;
  return false;
}

void Client::run() {
  MQTTClient_create(&client_, subscription_.broker.c_str(), subscription_.client_id.c_str(),
                    MQTTCLIENT_PERSISTENCE_USER, &store_);
  const auto on_lost = [](void* context, char*) {
    auto* self = static_cast<Client*>(context);
    const std::lock_guard lock(self->mutex_);
    self->lost_ = true;
    self->changed_.notify_all();
  };
  MQTTClient_setCallbacks(client_, this, on_lost, arrived, nullptr);
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return std::exchange(lost_, false); });
    }
    Status status = connect();
    if (status.ok()) status = subscribe();
    if (!may_go_on(status)) return;
    const std::lock_guard lock(mutex_);
    if (!status.ok()) lost_ = true;
  }
}

}  // namespace stream::mqtt
