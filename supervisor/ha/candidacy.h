// Candidacy: a supervisor that stands ready to lead a job, look by look.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "supervisor/ha/coordination.h"
#include "supervisor/ha/election.h"
#include "supervisor/ha/tenure.h"

namespace stream::ha {

struct Waits {};  // somebody leads: see known()
using Looked = std::variant<Waits, std::unique_ptr<Tenure>, Ended>;

class Candidacy {
 public:
  Candidacy(std::shared_ptr<Coordination> coordination, Place place, Candidate self)
      : coordination_(std::move(coordination)),
        place_(std::move(place)),
        self_(std::move(self)),
        standby_(place_.lease) {}

  // What there is, without trying to lead. Errors: kSystem, kCorrupt.
  Result<Term> see();
  // Looks, and leads if nobody does. A job that nobody has led yet, or that has ended, is led only by who `begins` it:
  // one that was stopped or has failed goes on then, every other begins anew if `fresh` says so. Errors: kSystem,
  // kCorrupt.
  Result<Looked> look(bool begins, bool fresh);

  // What was seen is not what is to be run here: if it has ended, this has not begun.
  bool anew() const;

  const Term& known() const { return known_; }
  // How long to wait for the next look.
  Microseconds pause() const;
  bool has_seen_life() const { return standby_.has_seen_life(); }
  const Place& place() const { return place_; }

 private:
  Result<Looked> look_once(bool begins, bool fresh);

  std::shared_ptr<Coordination> coordination_;
  Place place_;
  Candidate self_;
  Standby standby_;
  Term known_;
};

// This process, for the folder of its job; others reach its REST at `url`, "" = nowhere.
Candidate this_candidate(const std::string& folder, const std::string& url);

// "host-a (process 4711)"
std::string text_of(const Candidate& candidate);

}  // namespace stream::ha
