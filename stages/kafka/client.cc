#include "stages/kafka/client.h"

#include "stages/kit/secret.h"
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
  if (options.has("tls-ca")) {
    const std::string& path = options.text("tls-ca");
    STREAM_TRY(to.set("ssl.ca.location", path.starts_with('/') || folder.empty() ? path : folder + "/" + path));
  }
  if (!security.starts_with("sasl")) return {};
  STREAM_TRY(to.set("sasl.mechanism", upper(options.text("mechanism"))));
  STREAM_TRY(to.set("sasl.username", options.text("user")));
  if (!options.has("password")) return usage_error("option 'password': required with sasl");
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

Result<std::int32_t> count_partitions(rd_kafka_t* client, const std::string& topic) {
  const KafkaTopic handle(rd_kafka_topic_new(client, topic.c_str(), nullptr));
  const rd_kafka_metadata_t* answer = nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_metadata(client, 0, handle.get(), &answer, kKafkaAnswerMilliseconds);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error("look at topic '" + topic + "'", error);
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

void KafkaSettings::on_error(void (*callback)(rd_kafka_t*, int, const char*, void*), void* self) {
  rd_kafka_conf_set_error_cb(settings_.get(), callback);
  rd_kafka_conf_set_opaque(settings_.get(), self);
}

void KafkaSettings::on_delivery(void (*callback)(rd_kafka_t*, const rd_kafka_message_t*, void*), void* self) {
  rd_kafka_conf_set_dr_msg_cb(settings_.get(), callback);
  rd_kafka_conf_set_opaque(settings_.get(), self);
}

Result<KafkaClient> KafkaSettings::make(rd_kafka_type_t type) && {
  char words[512];
  rd_kafka_t* made = rd_kafka_new(type, settings_.get(), words, sizeof words);
  if (made == nullptr) return usage_error(std::string("unable to make a Kafka client: ") + words);
  settings_.release();  // the client's now
  return KafkaClient(made);
}

}  // namespace stream
