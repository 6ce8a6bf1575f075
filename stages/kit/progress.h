// Progress: how far event time has come on an instance, and whether its input had ended; kept in
// the state table kit_progress so that a restored instance judges lateness as it did before and
// never emits final results twice.
#pragma once

#include <map>

#include "snapshot/state_store.h"
#include "transport/base/clock.h"

namespace stream {

class Progress {
 public:
  Progress(StateStore& store, std::uint32_t instance);

  struct Value {
    Microseconds watermark = INT64_MIN;
    bool ended = false;
  };
  void save(Value value);  // nothing to tell is not stored: without event time there is no state
  // Of sources: the highest timestamp of each split that is being read.
  void save_splits(const std::map<std::uint64_t, Microseconds>& highest);
  std::map<std::uint64_t, Microseconds> load_splits() const;

  // The lowest of what the `continued` old instances had reached, whose state this one may have got; it becomes
  // ours. One that has left nothing had reached nothing.
  Value load(std::uint32_t continued);

 private:
  StateTable& table_;
  StateTable& splits_;
  std::int64_t instance_;
};

}  // namespace stream
