#include "stages/read-kafka/read_kafka.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "stages/format/value.h"
#include "stages/read-kafka/about.h"
#include "stages/read-kafka/headers.h"

namespace stream {
namespace {

constexpr Microseconds kSearchAgainAfter = 500'000;  // where brokers do not answer

}  // namespace

Result<std::unique_ptr<Source>> ReadKafka::make(Context& context) {
  std::unique_ptr<ReadKafka> source(new ReadKafka(context));
  STREAM_ASSIGN(source->start_, parse_start(context.options.text("start")));
  STREAM_ASSIGN(source->rows_, MessageRows::make(context, kAboutKafka));
  STREAM_TRY(source->open());
  return std::unique_ptr<Source>(std::move(source));
}

ReadKafka::ReadKafka(Context& context)
    : context_(context),
      tables_(context.state),
      stop_at_end_(context.options.flag("stop-at-end")),
      headers_asked_(std::ranges::count(context.options.list("metadata"), "headers") != 0),
      discover_every_(context.options.duration("discover-every")),
      patience_(context.options.duration("patience")),
      wake_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  for (const int fd : {wake_fd_, worker_.wake_fd()}) {
    epoll_event event{};
    event.events = EPOLLIN;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }
}

ReadKafka::~ReadKafka() {
  partitions_.clear();
  ::close(epoll_);
  ::close(wake_fd_);
}

Status ReadKafka::open() {
  STREAM_ASSIGN(KafkaSettings settings, KafkaSettings::from(context_.options, context_.folder));
  STREAM_TRY(settings.set("isolation.level", context_.options.text("isolation")));
  STREAM_TRY(settings.set("enable.auto.commit", "false"));
  STREAM_TRY(settings.set("enable.auto.offset.store", "false"));
  STREAM_TRY(settings.set("enable.partition.eof", "true"));
  STREAM_TRY(settings.set("auto.offset.reset", "error"));
  if (context_.options.has("group")) STREAM_TRY(settings.set("group.id", context_.options.text("group")));
  STREAM_ASSIGN(client_, std::move(settings).make(RD_KAFKA_CONSUMER, events_));
  return {};
}

Status ReadKafka::on_restored() {
  positions_ = tables_.positions();
  first_ = tables_.first();
  return {};
}

Status ReadKafka::add_partition(PartitionPosition position, std::int64_t high) {
  partitions_.push_back(
      std::make_unique<PartitionReader>(client_.get(), std::move(position), high, stop_at_end_, wake_fd_));
  return partitions_.back()->start();
}

Search ReadKafka::next_search() const {
  Search search{context_.options.list("topic"), start_, context_.instance, context_.parallelism, first_, {}};
  for (const auto& partition : partitions_) {
    search.known.emplace(partition->position().topic, partition->position().partition);
  }
  return search;
}

// Looks for partitions, on the worker's thread, at once and then now and then.
void ReadKafka::search_when_due() {
  const Microseconds now = context_.clock.monotonic_us();
  if (searching_ || (stop_at_end_ && found_once_)) return;
  const Microseconds every = patience_.failing() ? kSearchAgainAfter : discover_every_;
  if (searched_at_ && now - *searched_at_ < every) return;
  searching_ = true;
  searched_at_ = now;
  auto found = std::make_shared<Found>();
  worker_.submit(
      [client = client_.get(), search = next_search(), found]() -> Status {
        STREAM_ASSIGN(*found, discover(client, search));
        return {};
      },
      [this, found](Status status) -> Status {
        if (!status.ok()) return searched(std::move(status));
        first_ = std::move(found->first);
        for (FoundPartition& each : found->partitions) {
          STREAM_TRY(add_partition(std::move(each.position), each.high));
        }
        found_once_ = true;
        return searched({});
      });
}

Status ReadKafka::searched(Status status) {
  searching_ = false;
  if (status.ok()) {
    patience_.succeeded();
    return {};
  }
  const Microseconds now = context_.clock.monotonic_us();
  const bool lasts = patience_.lasts(status, now, now);
  // A topic that was there comes back when its broker does.
  const bool absent = status.code() == Code::kNotFound && first_.empty();
  if (absent || status.code() == Code::kUsage) return usage_error(status.what());
  return lasts ? Status() : status;
}

// Its next message is not there: removed by the topic's limits, or the topic is another one now.
void ReadKafka::repair(PartitionReader& partition) {
  if (searching_) return;
  searching_ = true;
  auto range = std::make_shared<OffsetRange>();
  worker_.submit(
      [client = client_.get(), at = partition.position(), range]() -> Status {
        STREAM_ASSIGN(*range, offset_range(client, at.topic, at.partition));
        return {};
      },
      [this, &partition, range](Status status) -> Status {
        STREAM_TRY(searched(status));
        if (!status.ok()) return {};
        const std::int64_t next = partition.position().next;
        if (next > range->high) {
          return usage_error("topic '" + partition.position().topic +
                             "' is not the one any more that was read: it has fewer messages than were read of it; "
                             "begin again with --fresh");
        }
        if (next < range->low) {
          STREAM_TRY(rows_->bad("messages " + std::to_string(next) + " to " + std::to_string(range->low - 1) +
                                    " were removed from the topic before they were read",
                                partition.at(next), *out_));
        }
        return partition.go_on_at(std::max(next, range->low));
      });
}

Status ReadKafka::add(const PartitionReader& partition, const rd_kafka_message_t& message, Emitter& out) {
  const std::function<std::string()> position = [&] { return partition.at(message.offset); };
  const std::string_view key(static_cast<const char*>(message.key), message.key_len);
  const std::string_view payload(static_cast<const char*>(message.payload), message.len);
  MessageValue values[] = {
      std::string_view(partition.position().topic), std::int64_t{message.partition}, message.offset, {}, {}, {}};
  rd_kafka_timestamp_type_t type{};
  // Producers may say any time.
  Microseconds time = 0;
  const bool out_of_range = __builtin_mul_overflow(rd_kafka_message_timestamp(&message, &type), 1000, &time);
  if (type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE && !out_of_range) values[3] = time;
  if (message.key != nullptr) values[4] = key;
  if (!format::valid_utf8(key)) return rows_->bad("the key is not UTF-8", position(), out);
  std::string headers;
  if (headers_asked_) {
    headers = headers_json(message);
    if (!format::valid_utf8(headers)) return rows_->bad("a header is not UTF-8", position(), out);
    values[5] = headers;
  }
  return rows_->add(payload, values, position, out);
}

Result<bool> ReadKafka::read_next(Emitter& out) {
  for (std::size_t tried = 0; tried < partitions_.size(); ++tried) {
    if (turn_ >= partitions_.size()) turn_ = 0;
    PartitionReader& partition = *partitions_[turn_++];
    current_ = partition.split();
    STREAM_ASSIGN(const bool any,
                  partition.read([&](const rd_kafka_message_t& message) { return add(partition, message, out); }));
    if (partition.out_of_range()) repair(partition);
    if (any) return true;
  }
  return false;
}

bool ReadKafka::ended() const {
  return stop_at_end_ && found_once_ && std::ranges::all_of(partitions_, [](const auto& p) { return p->ended(); });
}

Status ReadKafka::start() {
  for (PartitionPosition& position : std::exchange(positions_, {})) {
    const std::int64_t high = position.next;  // what is in it is not known; it was begun
    STREAM_TRY(add_partition(std::move(position), high));
  }
  return {};
}

Result<Source::Poll> ReadKafka::poll(Emitter& out) {
  out_ = &out;
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t drained = ::read(wake_fd_, &count, sizeof count);
  rd_kafka_poll(client_.get(), 0);
  STREAM_TRY(events_.refusal());
  if (!positions_.empty()) STREAM_TRY(start());
  STREAM_TRY(worker_.deliver());
  search_when_due();
  auto any = read_next(out);
  // A bad record that ends the stage takes nothing with it that came before.
  if (any.ok() || any.status().code() == Code::kBadRecord) STREAM_TRY(rows_->flush(out));
  if (!any.ok()) return std::move(any).status();
  if (ended()) return Poll::kEnd;
  return *any ? Poll::kMore : Poll::kIdle;
}

SplitView ReadKafka::split() const {
  const auto unread = std::ranges::count_if(partitions_, [](const auto& p) { return p->unread(); });
  return {current_, static_cast<std::uint32_t>(unread), false};
}

bool ReadKafka::split_open(std::uint64_t split) const {
  if (!found_once_) return true;
  return std::ranges::any_of(partitions_, [&](const auto& p) { return p->split() == split && !p->ended(); });
}

Status ReadKafka::before_snapshot() {
  std::vector<PartitionPosition> positions = positions_;
  for (const auto& partition : partitions_) positions.push_back(partition->position());
  tables_.store(positions, first_);
  return {};
}

// For tools that watch how far a group is behind; nothing here reads it again.
Status ReadKafka::on_complete(Epoch /*epoch*/) {
  if (!context_.options.has("group")) return {};
  const std::vector<PartitionPosition> positions = tables_.positions();
  if (positions.empty()) return {};
  const KafkaPartitions list(rd_kafka_topic_partition_list_new(static_cast<int>(positions.size())));
  for (const PartitionPosition& position : positions) {
    rd_kafka_topic_partition_list_add(list.get(), position.topic.c_str(), position.partition)->offset = position.next;
  }
  rd_kafka_commit(client_.get(), list.get(), 1);
  return {};
}

std::optional<std::uint64_t> ReadKafka::pending_records() {
  std::uint64_t all = 0;
  for (const auto& partition : partitions_) all += partition->pending();
  return all;
}

}  // namespace stream
