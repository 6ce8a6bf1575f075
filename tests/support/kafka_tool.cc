// What the tests of the Kafka stages need beside a broker: topics made, filled and read, and librdkafka's
// broker within a process, where no other is to be had. Not installed.
//
//   kafka-tool mock BROKERS                     prints its address, lives until standard input ends
//   kafka-tool SERVERS create TOPIC PARTITIONS  or grows it to so many
//   kafka-tool SERVERS produce TOPIC            a message a line: "PARTITION<tab>KEY<tab>VALUE"
//   kafka-tool SERVERS dump TOPIC               committed messages, as "PARTITION<tab>OFFSET<tab>KEY<tab>VALUE"
//   kafka-tool SERVERS heads TOPIC              as "PARTITION<tab>MILLISECONDS<tab>KEY<tab>NAME=VALUE,…<tab>VALUE"
//   kafka-tool SERVERS group NAME TOPIC         committed offsets, as "PARTITION<tab>OFFSET"
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

namespace {

constexpr int kPatience = 20'000;

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "kafka-tool: fatal: %s\n", what.c_str());
  std::exit(1);
}

void require(rd_kafka_resp_err_t error, const char* what) {
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) die(std::string(what) + ": " + rd_kafka_err2str(error));
}

rd_kafka_t* make(rd_kafka_type_t type, const std::string& servers, const std::string& group = "kafka-tool") {
  rd_kafka_conf_t* settings = rd_kafka_conf_new();
  char words[512];
  const auto set = [&](const char* name, const std::string& value) {
    if (rd_kafka_conf_set(settings, name, value.c_str(), words, sizeof words) != RD_KAFKA_CONF_OK) die(words);
  };
  set("bootstrap.servers", servers);
  set("log_level", "0");
  if (type == RD_KAFKA_CONSUMER) {
    set("group.id", group);
    set("enable.partition.eof", "true");
    set("enable.auto.commit", "false");
    set("isolation.level", "read_committed");
  } else {
    set("enable.idempotence", "true");
  }
  rd_kafka_t* client = rd_kafka_new(type, settings, words, sizeof words);
  if (client == nullptr) die(words);
  return client;
}

int partitions_of(rd_kafka_t* client, const char* topic) {
  rd_kafka_topic_t* handle = rd_kafka_topic_new(client, topic, nullptr);
  const rd_kafka_metadata_t* data = nullptr;
  require(rd_kafka_metadata(client, 0, handle, &data, kPatience), "metadata");
  const int count = data->topics[0].partition_cnt;
  rd_kafka_metadata_destroy(data);
  rd_kafka_topic_destroy(handle);
  return count;
}

// True if the broker has done it; false if the topic is there already.
bool create(rd_kafka_t* client, const char* topic, int count) {
  char words[512];
  rd_kafka_NewTopic_t* wanted = rd_kafka_NewTopic_new(topic, count, 1, words, sizeof words);
  rd_kafka_queue_t* queue = rd_kafka_queue_new(client);
  rd_kafka_CreateTopics(client, &wanted, 1, nullptr, queue);
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue, kPatience);
  if (event == nullptr) die("no answer");
  std::size_t results = 0;
  const auto** answer = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &results);
  require(rd_kafka_event_error(event), "create");
  const rd_kafka_resp_err_t error = rd_kafka_topic_result_error(answer[0]);
  if (error != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) require(error, "create");
  rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  rd_kafka_NewTopic_destroy(wanted);
  return error == RD_KAFKA_RESP_ERR_NO_ERROR;
}

void grow(rd_kafka_t* client, const char* topic, std::size_t count) {
  char words[512];
  rd_kafka_NewPartitions_t* wanted = rd_kafka_NewPartitions_new(topic, count, words, sizeof words);
  rd_kafka_queue_t* queue = rd_kafka_queue_new(client);
  rd_kafka_CreatePartitions(client, &wanted, 1, nullptr, queue);
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue, kPatience);
  if (event == nullptr) die("no answer");
  std::size_t results = 0;
  const auto** answer =
      rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(event), &results);
  require(rd_kafka_topic_result_error(answer[0]), "grow");
  rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  rd_kafka_NewPartitions_destroy(wanted);
}

void produce(rd_kafka_t* client, const char* topic) {
  std::string line;
  while (std::getline(std::cin, line)) {
    const std::size_t key = line.find('\t') + 1;
    const std::size_t value = line.find('\t', key) + 1;
    const std::size_t key_size = value - 1 - key;
    char* const key_bytes = key_size == 0 ? nullptr : line.data() + key;
    char* const bytes = line.data() + value;
    const std::size_t size = line.size() - value;
    for (;;) {
      const rd_kafka_resp_err_t error =
          rd_kafka_producev(client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(std::atoi(line.c_str())),
                            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key_bytes, key_size),
                            RD_KAFKA_V_VALUE(bytes, size), RD_KAFKA_V_END);
      if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        require(error, "produce");
        break;
      }
      rd_kafka_poll(client, 100);
    }
    rd_kafka_poll(client, 0);
  }
  require(rd_kafka_flush(client, kPatience), "flush");
}

std::string headers_of(const rd_kafka_message_t* message) {
  rd_kafka_headers_t* headers = nullptr;
  std::string out;
  if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return out;
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == 0; ++i) {
    if (i > 0) out += ',';
    out += name;
    if (value != nullptr) out.append("=").append(static_cast<const char*>(value), size);
  }
  return out;
}

void print_head(const rd_kafka_message_t* message) {
  rd_kafka_timestamp_type_t type{};
  std::printf("%d\t%lld\t%.*s\t%s\t%.*s\n", message->partition,
              static_cast<long long>(rd_kafka_message_timestamp(message, &type)), static_cast<int>(message->key_len),
              static_cast<const char*>(message->key), headers_of(message).c_str(), static_cast<int>(message->len),
              static_cast<const char*>(message->payload));
}

void dump(rd_kafka_t* client, const char* topic, bool heads) {
  const int count = partitions_of(client, topic);
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(count);
  for (int i = 0; i < count; ++i) rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
  require(rd_kafka_assign(client, list), "assign");
  for (int left = count; left > 0;) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(client, kPatience);
    if (message == nullptr) die("no message and no end");
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      --left;
    } else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR && heads) {
      print_head(message);
    } else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      std::printf("%d\t%lld\t%.*s\t%.*s\n", message->partition, static_cast<long long>(message->offset),
                  static_cast<int>(message->key_len), static_cast<const char*>(message->key),
                  static_cast<int>(message->len), static_cast<const char*>(message->payload));
    }
    rd_kafka_message_destroy(message);
  }
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_consumer_close(client);
}

void group(rd_kafka_t* client, const char* topic) {
  const int count = partitions_of(client, topic);
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(count);
  for (int i = 0; i < count; ++i) rd_kafka_topic_partition_list_add(list, topic, i);
  require(rd_kafka_committed(client, list, kPatience), "committed");
  for (int i = 0; i < count; ++i) {
    std::printf("%d\t%lld\n", list->elems[i].partition, static_cast<long long>(list->elems[i].offset));
  }
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_consumer_close(client);
}

void mock(int brokers) {
  rd_kafka_t* client = make(RD_KAFKA_PRODUCER, "127.0.0.1:1");
  rd_kafka_mock_cluster_t* cluster = rd_kafka_mock_cluster_new(client, brokers);
  std::printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
  std::fflush(stdout);
  std::string line;
  while (std::getline(std::cin, line)) {  // "TOPIC PARTITIONS": the mock knows no requests to make topics
    const std::size_t blank = line.find(' ');
    rd_kafka_mock_topic_create(cluster, line.substr(0, blank).c_str(), std::atoi(line.c_str() + blank), 1);
    std::printf("made\n");
    std::fflush(stdout);
  }
  rd_kafka_mock_cluster_destroy(cluster);
  rd_kafka_destroy(client);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) die("usage: kafka-tool mock BROKERS | SERVERS create|produce|dump|heads|group …");
  if (std::string(argv[1]) == "mock") {
    mock(std::atoi(argv[2]));
    return 0;
  }
  if (argc < 4) die("usage: kafka-tool SERVERS create|produce|dump|heads|group …");
  const std::string verb = argv[2];
  const bool reads = verb == "dump" || verb == "heads" || verb == "group";
  rd_kafka_t* client =
      make(reads ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, argv[1], verb == "group" ? argv[3] : "kafka-tool");
  if (verb == "create" && !create(client, argv[3], std::atoi(argv[4]))) {
    grow(client, argv[3], static_cast<std::size_t>(std::atoi(argv[4])));
  } else if (verb == "produce") {
    produce(client, argv[3]);
  } else if (verb == "dump" || verb == "heads") {
    dump(client, argv[3], verb == "heads");
  } else if (verb == "group") {
    group(client, argv[4]);
  }
  rd_kafka_destroy(client);
  return 0;
}
