// CommitMark: which checkpoint of an instance's rows is in Kafka, said by Kafka itself.
//
// Each transaction commits, beside its messages, an offset under a group of the stage's own: the number of the
// checkpoint, with the run as its metadata. Both become visible together, so after a crash the mark says
// whether the messages are there.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "snapshot/outbox.h"
#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream {

struct CommitMark {
  std::string run;
  Epoch epoch;
};

// Brokers forget offsets of a group that nobody commits to (offsets.retention.minutes, a week unless changed): a
// mark that is not found is none only of rows that are younger than this.
inline constexpr Microseconds kMarksLive = 86'400'000'000;

// Whether these rows are in the topic. `age`: since they were prepared. Errors: kUsage if that cannot be known. Pure.
Result<bool> is_committed(const std::optional<CommitMark>& mark, std::string_view run, Committable committable,
                          Microseconds age);

}  // namespace stream
