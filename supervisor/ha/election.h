// Election: when a supervisor that stands by tries to lead, and until when one that leads may go on. Pure decisions.
//
// Nobody's clock is compared with another's: who stands by measures, on its own, for how long the leader's sign of life
// has stayed the same; who leads measures for how long it has not been able to show one.
#pragma once

#include <optional>

#include "supervisor/ha/coordination.h"
#include "supervisor/ha/term.h"

namespace stream::ha {

enum class Wish : std::uint8_t {
  kWait,   // somebody leads
  kLead,   // try to take the term
  kEnded,  // the job is over
};

// Of a supervisor that stands by.
class Standby {
 public:
  explicit Standby(Microseconds lease) : lease_(lease) {}

  // What was read of the place, at `now` of this host's monotonic clock.
  Wish look(const Term& term, const Pulse& pulse, Microseconds now);
  // Nothing could be read: its silence is not the leader's.
  void saw_nothing() { since_.reset(); }
  // A leader has been seen to live since this began to stand by.
  bool has_seen_life() const { return life_; }

 private:
  Microseconds lease_;
  std::uint64_t term_ = 0;
  std::uint64_t beats_ = 0;
  std::optional<Microseconds> since_;  // when the sign of life was first seen as it is
  bool life_ = false;
};

// Of a leader.
class Reign {
 public:
  Reign(std::uint64_t term, Microseconds lease, Microseconds now) : term_(term), lease_(lease), shown_(now) {}

  // It has shown a sign of life, which it began to do at `began`.
  void shown(Microseconds began) { shown_ = began; }
  // What the place knows of the term.
  void read(const Term& term) { deposed_ = deposed_ || term.number != term_; }
  void deposed() { deposed_ = true; }

  bool over(Microseconds now) const { return deposed_ || now - shown_ >= lease_; }
  bool is_deposed() const { return deposed_; }
  std::uint64_t term() const { return term_; }

 private:
  std::uint64_t term_;
  Microseconds lease_;
  Microseconds shown_;
  bool deposed_ = false;
};

}  // namespace stream::ha
