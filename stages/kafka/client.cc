#include "stages/kafka/client.h"

#include "transport/base/secret.h"
#include "transport/base/text.h"

namespace stream {
namespace {

std::string protocol_of(const std::string& security) {
  if (security == "tls") return "ssl";
  if (security == "sasl") return "sasl_plaintext";
  if (security == "sasl-tls") return "sasl_ssl";
  return "plaintext";
}

std::string upper(std::string text) {
  for (char& letter : text) letter = static_cast<char>(letter >= 'a' && letter <= 'z' ? letter - 32 : letter);
  return text;
}

// What the library says is found where it is used.
void ignore_log(const rd_kafka_t*, int, const char*, const char*) {}

Status set_security(KafkaSettings& to, const Values& options, const std::string& folder) {
  const std::string& security = options.text("security");
  STREAM_TRY(to.set("security.protocol", protocol_of(security)));
  STREAM_ASSIGN(const TlsFiles files, tls_files(options, folder));
  if (!files.authority.empty()) STREAM_TRY(to.set("ssl.ca.location", files.authority));
  if (!files.certificate.empty()) {
    STREAM_TRY(to.set("ssl.certificate.location", files.certificate));
    STREAM_TRY(to.set("ssl.key.location", files.key));
  }
  if (!security.starts_with("sasl")) return {};
  STREAM_TRY(to.set("sasl.mechanism", upper(options.text("mechanism"))));
  STREAM_TRY(to.set("sasl.username", options.text("user")));
  STREAM_ASSIGN(const std::string password, read_secret(system_files(), folder, options.text("password")));
  return to.set("sasl.password", password);
}

Status set_properties(KafkaSettings& to, const Values& options) {
  for (const std::string& property : options.list("property")) {
    const std::size_t equals = property.find('=');
    if (equals == std::string::npos) return usage_error("option 'property': '" + property + "' is not NAME=VALUE");
    const std::string name = property.substr(0, equals);
    if (name.ends_with("password") || name.ends_with(".pem")) {
      return usage_error("option 'property': a secret is never written out; give 'password'");
    }
    STREAM_TRY(to.set(name, property.substr(equals + 1)));
  }
  return {};
}

bool refused(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD: return true;
    default: return false;
  }
}

}  // namespace

Status kafka_error(const std::string& doing, rd_kafka_resp_err_t error, std::string_view words) {
  const std::string why(words.empty() ? rd_kafka_err2str(error) : words);
  const std::string what = "unable to " + doing + ": " + why;
  return refused(error) ? usage_error(what) : failed(what);
}

Status kafka_error(rd_kafka_t* client, const std::string& doing, rd_kafka_resp_err_t error) {
  rd_kafka_poll(client, 0);  // what it has to tell
  const auto& events = *static_cast<const KafkaEvents*>(rd_kafka_opaque(client));
  if (Status refusal = events.refusal(); !refusal.ok()) return refusal;
  Status status = kafka_error(doing, error);
  const std::string trouble = events.trouble();
  return trouble.empty() || status.code() == Code::kUsage ? status : failed(status.what() + ": " + trouble);
}

Status KafkaEvents::refusal() const {
  const std::lock_guard lock(mutex_);
  return refusal_;
}

std::string KafkaEvents::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void KafkaEvents::note(rd_kafka_t* client, rd_kafka_resp_err_t error, std::string_view words) {
  const std::lock_guard lock(mutex_);
  if (error == RD_KAFKA_RESP_ERR__FATAL) {
    char text[512];
    const rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(client, text, sizeof text);
    refusal_ = kafka_error("go on", fatal, text);
  } else if (error == RD_KAFKA_RESP_ERR__AUTHENTICATION) {
    refusal_ = usage_error("the brokers refuse the user: " + std::string(words) + "; check 'user' and 'password'");
  } else if (error == RD_KAFKA_RESP_ERR__SSL && words.find("certificate verify failed") != std::string_view::npos) {
    refusal_ = not_trusted(std::string(words.substr(0, words.find(": "))));
  } else if (error != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || trouble_.empty()) {
    trouble_ = words;
  }
}

std::vector<PlanError> check_kafka_security(const Values& options) {
  const std::string& security = options.text("security");
  const bool tls = security == "tls" || security == "sasl-tls";
  std::vector<PlanError> errors = check_tls_options(options, tls, "give 'security' as tls or sasl-tls");
  for (const std::string_view option : {"user", "password"}) {
    const std::string name(option);
    if (security.starts_with("sasl") && !options.has(option)) {
      errors.push_back({name, 0, "required with sasl", "give '" + name + "'"});
    } else if (!security.starts_with("sasl") && options.has(option)) {
      errors.push_back({name, 0, "has a meaning with sasl only", "give 'security' as sasl or sasl-tls"});
    }
  }
  return errors;
}

Result<std::int32_t> count_partitions(rd_kafka_t* client, const std::string& topic) {
  const KafkaTopic handle(rd_kafka_topic_new(client, topic.c_str(), nullptr));
  const rd_kafka_metadata_t* answer = nullptr;
  rd_kafka_resp_err_t error{};
  // A refusal is known long before an answer must be given up.
  for (const int milliseconds : {kKafkaAnswerMilliseconds / 10, kKafkaAnswerMilliseconds}) {
    error = rd_kafka_metadata(client, 0, handle.get(), &answer, milliseconds);
    if (error != RD_KAFKA_RESP_ERR__TIMED_OUT && error != RD_KAFKA_RESP_ERR__TRANSPORT) break;
    Status status = kafka_error(client, "look at topic '" + topic + "'", error);
    if (status.code() == Code::kUsage || milliseconds == kKafkaAnswerMilliseconds) return status;
  }
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error(client, "look at topic '" + topic + "'", error);
  const std::unique_ptr<const rd_kafka_metadata_t, KafkaFree> data(answer);
  if (data->topic_cnt != 1) return failed("unable to look at topic '" + topic + "': no answer");
  const rd_kafka_metadata_topic& found = data->topics[0];
  if (found.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) { return usage_error("there is no topic '" + topic + "'"); }
  if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error("look at topic '" + topic + "'", found.err);
  return found.partition_cnt;
}

Result<KafkaSettings> KafkaSettings::from(const Values& options, const std::string& folder) {
  KafkaSettings out;
  out.settings_.reset(rd_kafka_conf_new());
  rd_kafka_conf_set_log_cb(out.settings_.get(), ignore_log);
  STREAM_TRY(set_properties(out, options));
  STREAM_TRY(out.set("bootstrap.servers", join(options.list("servers"), ",")));
  STREAM_TRY(out.set("client.id", "stream"));
  STREAM_TRY(out.set("reconnect.backoff.max.ms", "1000"));
  STREAM_TRY(set_security(out, options, folder));
  return out;
}

Status KafkaSettings::set(const std::string& name, const std::string& value) {
  char words[512];
  if (rd_kafka_conf_set(settings_.get(), name.c_str(), value.c_str(), words, sizeof words) == RD_KAFKA_CONF_OK) {
    return {};
  }
  return usage_error("the Kafka client refuses the setting '" + name + "': " + words);
}

Result<KafkaClient> KafkaSettings::make(rd_kafka_type_t type, KafkaEvents& events) && {
  rd_kafka_conf_set_opaque(settings_.get(), &events);
  rd_kafka_conf_set_error_cb(settings_.get(), [](rd_kafka_t* client, int error, const char* words, void* to) {
    static_cast<KafkaEvents*>(to)->note(client, static_cast<rd_kafka_resp_err_t>(error), words);
  });
  if (type == RD_KAFKA_PRODUCER) {
    rd_kafka_conf_set_dr_msg_cb(settings_.get(), [](rd_kafka_t*, const rd_kafka_message_t* message, void* to) {
      static_cast<KafkaEvents*>(to)->delivered(*message);
    });
  }
  char words[512];
  rd_kafka_t* made = rd_kafka_new(type, settings_.get(), words, sizeof words);
  if (made == nullptr) return usage_error(std::string("unable to make a Kafka client: ") + words);
  settings_.release();  // the client's now
  return KafkaClient(made);
}

}  // namespace stream
