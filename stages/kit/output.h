// Outputs: what an instance has emitted, on its way into the channels.
//
// Rows are spread over the channels of an edge by its partitioning and gathered into frames: a
// frame leaves when it is full, when no more input waits (at most one a channel every 50 us), or
// after 1 ms. Markers (barrier, end) keep their place between the rows. Nothing blocks: what a
// channel cannot take yet waits here, and full() tells the run loop to stop feeding the stage.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stages/expression/expression.h"
#include "transport/channel.h"

namespace stream {

enum class Spread : std::uint8_t { kForward, kHash, kRebalance, kBroadcast };

struct OutputCounters {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t frames = 0;

  OutputCounters& operator+=(const OutputCounters& other) {
    records += other.records;
    bytes += other.bytes;
    frames += other.frames;
    return *this;
  }
};

// One channel's queue.
class OutputChannel {
 public:
  OutputChannel(Sender sender, SchemaPtr schema);

  void add(const Batch& batch);
  void add_rows(const Batch& batch, std::span<const std::uint32_t> rows);
  void add_marker(FrameHeader marker);
  void set_watermark(Microseconds watermark, bool idle);
  // A mark, see LatencyMarks, goes with the newest rows that wait. False: none do.
  bool mark(Microseconds origin);
  void mark_alone(Microseconds origin) { lone_mark_ = origin; }
  void keep_watermarks_apart() { apart_ = true; }

  // Sends what may go. `drain`: no more input waits, so small frames may go as well. Returns the
  // time after which it wants to be called again, if something waits for time alone.
  Result<std::optional<Microseconds>> pump(Microseconds now, bool drain);

  // A queue is full that holds this, or as much as may be in flight where the receiver is slow: what waits longer only
  // keeps a barrier from coming through.
  static constexpr std::size_t kBytesMax = 2 * kBatchBytesTarget;
  static constexpr std::size_t kBytesMin = 4 * 1024;
  bool full() const;
  bool idle() const { return items_.empty() && (!builder_ || builder_->rows() == 0); }
  std::size_t queued_bytes() const;
  Sender& sender() { return sender_; }
  std::uint64_t window_bytes() const { return sender_.window().window_bytes(); }
  const OutputCounters& counters() const { return counters_; }

 private:
  struct Item {
    FrameHeader marker;
    std::optional<Batch> batch;  // none: a marker
    std::size_t begin = 0;       // rows already sent
    std::size_t bytes = 0;
    Microseconds watermark = INT64_MIN;  // holds before the rows behind this item
    Microseconds origin = 0;             // 0 = not marked
  };
  void seal();
  Status send_front(Microseconds now);
  Status send_rows(Item& item, Microseconds now);
  Status send_frame(FrameHeader header, const Batch* batch, Microseconds now);
  bool builder_due(Microseconds now, bool drain) const;
  bool may_send_rows() const;

  Sender sender_;
  SchemaPtr schema_;
  std::optional<BatchBuilder> builder_;
  std::deque<Item> items_;
  std::size_t items_bytes_ = 0;
  std::size_t barriers_ = 0;        // among the items
  Microseconds builder_since_ = 0;  // 0 = not yet seen by pump()
  Microseconds last_frame_ = 0;
  Microseconds watermark_ = INT64_MIN;
  Microseconds watermark_sent_ = INT64_MIN;
  bool idle_input_ = false;
  bool idle_sent_ = false;
  Microseconds builder_mark_ = 0;  // of the rows being gathered; 0 = none
  Microseconds lone_mark_ = 0;     // goes without rows; 0 = none
  bool apart_ = false;
  OutputCounters counters_;
};

// All channels from one output to one downstream stage.
class OutputEdge {
 public:
  struct Config {
    std::string to;  // stage, for messages
    Spread spread = Spread::kForward;
    std::vector<std::size_t> hash_columns;  // of the edge's schema
    std::uint32_t key_groups = 1024;
    std::vector<std::size_t> columns;  // of the output's schema: what this edge carries
    SchemaPtr schema;                  // of those
    std::optional<Expression> where;   // over the output's schema: a pushed filter
  };
  OutputEdge(Config config, std::vector<Sender> senders);

  void add(const Batch& batch);
  void add_marker(const FrameHeader& marker);
  void set_watermark(Microseconds watermark, bool idle);
  void mark(Microseconds origin);
  void keep_watermarks_apart();
  std::vector<OutputChannel>& channels() { return channels_; }
  const Config& config() const { return config_; }

  // --- other receivers take over, while the stage goes on
  // What is added from now on waits; what is in the channels already goes its way.
  void hold() { held_ = true; }
  bool held() const { return held_; }
  // What waits goes the way it would have gone.
  void release();
  // Held, and everything before has been received: the channels are closed, and attach() gives others.
  void detach();
  void attach(Config config, std::vector<Sender> senders);
  std::size_t waiting_bytes() const { return waiting_bytes_; }
  // How many rows its receivers take in the time that a window is worth, by the size of those sent so far.
  std::size_t rows_wanted() const;
  // Of the channels there were.
  const OutputCounters& earlier() const { return earlier_; }

 private:
  struct Waiting {  // one of these
    std::optional<Batch> batch = {};
    std::optional<FrameHeader> marker = {};
    std::optional<std::pair<Microseconds, bool>> watermark = {};
  };
  void spread(const Batch& batch);
  void spread_by_hash(const Batch& batch);
  void take(std::vector<Sender> senders);

  Config config_;
  bool held_ = false;
  bool apart_ = false;
  std::vector<Waiting> waiting_;
  std::size_t waiting_bytes_ = 0;
  OutputCounters earlier_;
  Microseconds watermark_ = INT64_MIN;  // what the channels have been told
  bool idle_input_ = false;
  std::optional<FrameHeader> end_;  // the same
  bool all_columns_;
  std::vector<OutputChannel> channels_;
  std::size_t next_ = 0;
  std::size_t next_marked_ = 0;
  std::vector<std::uint64_t> hashes_;
  std::vector<std::vector<std::uint32_t>> rows_of_;
};

// The edges of every output of an instance.
class Outputs {
 public:
  explicit Outputs(std::vector<std::vector<OutputEdge>> edges_by_output) : edges_(std::move(edges_by_output)) {}

  // Rows of this output also go to a function of this process: standard output.
  void connect_local(std::size_t output, std::function<Status(const Batch&)> consumer);
  Status add(std::size_t output, const Batch& batch);
  // From now on the function sees all rows of every output, whoever else gets them; none: no longer.
  void watch(std::function<void(std::size_t, const Batch&)> watcher) { watcher_ = std::move(watcher); }
  bool connected(std::size_t output) const { return !edges_[output].empty() || local_.contains(output); }
  void add_marker(const FrameHeader& marker);
  void set_watermark(Microseconds watermark, bool idle);
  // What was emitted last came from a source then: its receivers are to know.
  void mark(Microseconds origin);
  // From now on every watermark goes by itself, between the rows before it and those behind it, instead of with the
  // next frame: slow, but what is late does not depend on how rows were gathered.
  void keep_watermarks_apart();

  // Services and pumps all channels. Errors: kPeerGone.
  Result<std::optional<Microseconds>> pump(Microseconds now, bool drain);
  bool full() const;
  // See OutputEdge; of the slowest.
  std::size_t rows_wanted() const;
  bool idle() const;
  bool all_closed() const;  // every receiver has acknowledged `end`
  OutputCounters counters() const;
  std::size_t queued_bytes() const;
  void add_to(Poller& poller);

  // Edges, by any of their channels; see OutputEdge.
  void hold(std::span<const std::uint32_t> channels);
  void release();
  std::vector<OutputEdge>& edges(std::size_t output) { return edges_[output]; }

  template <class Visit>
  void for_each_edge(Visit&& visit) {
    for (auto& output : edges_) {
      for (OutputEdge& edge : output) visit(edge);
    }
  }
  template <class Visit>
  void for_each_channel(Visit&& visit) {
    for_each_edge([&](OutputEdge& edge) {
      for (OutputChannel& channel : edge.channels()) visit(channel);
    });
  }

 private:
  std::vector<std::vector<OutputEdge>> edges_;
  std::map<std::size_t, std::function<Status(const Batch&)>> local_;
  std::function<void(std::size_t, const Batch&)> watcher_;
};

}  // namespace stream
