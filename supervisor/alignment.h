// Alignment: how far sources may read in event time, so that none gets further ahead of the slowest than they may drift
// apart. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "supervisor/coordinator.h"
#include "transport/base/clock.h"

namespace stream {

class Alignment {
 public:
  // `drift`: more than 0.
  explicit Alignment(Microseconds drift) : drift_(drift) {}

  // An instance of a source with event time; until it has said how far it is, nobody may read past a beginning.
  void add(InstanceIndex source) { sources_[source] = {}; }

  struct Report {
    Microseconds watermark = INT64_MIN;  // INT64_MIN: it knows none yet
    bool idle = false;                   // it has had no records for so long that it holds nothing back
    bool ended = false;
  };
  // What a source says. Others are ignored.
  void observe(InstanceIndex source, Report report);

  // A watermark that a source may read up to; nothing: no source has to say where the others may go.
  std::optional<Microseconds> limit() const;
  // The limit, if the sources have to hear of it: it is another than what this gave before.
  std::optional<Microseconds> news();
  // The source that holds the others.
  std::optional<InstanceIndex> slowest() const;

 private:
  Microseconds drift_;
  std::map<InstanceIndex, Report> sources_;
  std::optional<Microseconds> said_;
};

}  // namespace stream
