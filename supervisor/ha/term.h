// Term: the reign of one leader. Terms are numbered; each leader's is one more than the last.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream::ha {

// Who may lead: one supervisor process.
struct Candidate {
  std::string id;    // unlike any other's
  std::string host;  // for people
  std::int64_t pid = 0;
  std::string folder;                       // its folder of the job
  std::string http;                         // URL at which others reach its REST; "" = none
  std::vector<std::string> addresses = {};  // of its host, as numbers

  friend bool operator==(const Candidate&, const Candidate&) = default;
};

struct Ended {
  std::string state;  // "FINISHED", …
  std::string reason;
  Microseconds at_us = 0;  // wall clock

  friend bool operator==(const Ended&, const Ended&) = default;
};

// What register kTerm holds, as JSON.
struct Term {
  std::uint64_t number = 0;  // 0: nobody has led yet
  Candidate leader;
  Microseconds lease_us = 0;    // that it goes by
  std::string job_id;           // by which the job is known; "" = nobody has said it
  std::string deployment;       // as which it was run last; see Place
  std::string run;              // whose checkpoint it is
  std::uint64_t published = 0;  // the newest checkpoint that counts; 0 = none
  std::uint64_t reserved = 0;   // epochs below may have been used
  std::optional<Ended> ended;   // the job is over

  friend bool operator==(const Term&, const Term&) = default;
};

std::string to_text(const Term& term);
// "" is nobody's term. Errors: kCorrupt.
Result<Term> term_of(const std::string& text);

}  // namespace stream::ha
