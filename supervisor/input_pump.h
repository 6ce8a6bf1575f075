// InputPump: takes in the standard input of a job as it comes and spools it, durably.
//
// The supervisor owns standard input, because it outlives every instance: whatever of the job dies, the bytes
// are either on disk or still in the pipe. A thread reads; another appends what has gathered meanwhile and syncs
// it, so that a slow disk costs throughput, not system calls. Only so much is held in memory, and the spool runs
// only so far ahead of its reader; beyond that nothing is read, and whoever writes to the pipe waits.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "snapshot/spool_writer.h"
#include "transport/base/clock.h"
#include "transport/base/sampled_input.h"
#include "transport/base/worker.h"

namespace stream {

inline constexpr std::size_t kPumpBufferMax = 8 << 20;
inline constexpr std::uint64_t kPumpAheadMax = 512ULL << 20;
inline constexpr Microseconds kPumpSyncEvery = 10'000;  // unless much has gathered
inline constexpr Microseconds kPumpRetryAfter = 1'000'000;

struct PumpView {
  std::size_t gathered = 0;  // bytes read and not yet given to the disk
  std::uint64_t ahead = 0;   // bytes between the reader and the last one read
  bool ended = false;
  bool paused = false;
};

// Whether to read on. Pure.
constexpr bool pump_reads(const PumpView& view) {
  return !view.ended && !view.paused && view.gathered < kPumpBufferMax && view.ahead < kPumpAheadMax;
}

// How long what has gathered may wait for company, so that a trickle does not cost a sync a line. Pure.
constexpr Microseconds pump_delay(std::size_t gathered, Microseconds since_last) {
  if (gathered >= kPumpBufferMax / 4 || since_last >= kPumpSyncEvery) return 0;
  return kPumpSyncEvery - since_last;
}

class InputPump {
 public:
  // Something to say, or the end of the job.
  struct News {
    bool fatal = false;
    std::string text;
  };

  // Begins a new input in the folder, with what was looked at of it already, and reads on. Files and clock must
  // outlive the pump. Errors: kSystem.
  static Result<std::unique_ptr<InputPump>> start(SampledInput input, Files& files, const std::string& folder,
                                                  const Clock& clock);
  ~InputPump();
  InputPump(const InputPump&) = delete;
  InputPump& operator=(const InputPump&) = delete;

  // Readable when take_news() has something.
  int wake_fd() const { return news_fd_; }
  std::vector<News> take_news();

  // Its reader has come so far.
  void reader_at(const SpoolPosition& position);
  // Reads no further: the job stops.
  void pause();
  // The same, spools what was read, and ends. Errors: kSystem if that could not be written.
  Status stop();

 private:
  InputPump(SampledInput input, SpoolWriter writer, const Clock& clock);
  void run();
  void wait();
  void read_some();
  void write();
  Status written(const Status& status);
  PumpView view() const;
  Microseconds patience() const;  // negative: until something happens
  void tell(bool fatal, std::string text);
  void poke(int fd) const;

  // Of the reading thread; `writer_` is the worker's while a job of it is pending.
  const int fd_;
  const Clock& clock_;
  SpoolWriter writer_;
  const std::uint64_t input_;
  std::string gathered_;
  std::string writing_;         // given to the worker, kept until it is durable
  std::uint64_t received_ = 0;  // bytes of the input so far
  bool ended_ = false;
  bool told_end_ = false;
  bool failing_ = false;
  Microseconds written_at_ = 0;  // when the last write began
  Microseconds retry_at_ = 0;

  // Shared.
  std::atomic<std::uint64_t> reader_offset_ = 0;
  std::atomic<bool> paused_ = false;
  std::atomic<bool> stopping_ = false;
  int control_fd_;
  int news_fd_;
  std::mutex news_mutex_;
  std::vector<News> news_;
  Status last_;

  Worker worker_;
  std::thread thread_;
};

}  // namespace stream
