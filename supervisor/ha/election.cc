#include "supervisor/ha/election.h"

#include <algorithm>

namespace stream::ha {

Wish Standby::look(const Term& term, const Pulse& pulse, Microseconds now) {
  if (term.ended) return Wish::kEnded;
  if (term.number == 0 || pulse.gone) return Wish::kLead;
  if (pulse.vouched) {
    life_ = true;
    since_.reset();
    return Wish::kWait;
  }
  life_ = life_ || (since_ && (term.number != term_ || pulse.beats != beats_));
  if (!since_ || term.number != term_ || pulse.beats != beats_) {
    term_ = term.number;
    beats_ = pulse.beats;
    since_ = now;
  }
  return now - *since_ >= std::max(lease_, term.lease_us) ? Wish::kLead : Wish::kWait;
}

}  // namespace stream::ha
