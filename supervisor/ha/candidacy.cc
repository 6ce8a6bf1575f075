#include "supervisor/ha/candidacy.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <random>

#include "transport/base/own_addresses.h"

namespace stream::ha {
namespace {

constexpr Microseconds kPauseMin = 20'000;
constexpr Microseconds kPauseMax = 250'000;

// `stream run` starts a job that has finished anew and goes on with one that was stopped. With several supervisors the
// first would be a finished job run twice, by whoever comes late.
bool may_go_on(const Ended& ended) { return ended.state == "STOPPED" || ended.state == "FAILED"; }

Result<Term> term_at(const Place& place, const Entry& entry) {
  auto term = term_of(entry.text);
  if (term.ok()) return term;
  return corrupt(term.status().what() + "; when no supervisor of the job runs, remove what '" + place.identity() +
                 "' has of it: it begins anew then, or goes on from a savepoint with 'stream run --from'");
}

}  // namespace

Result<Term> Candidacy::see() {
  STREAM_ASSIGN(const Entry entry, coordination_->read(Register::kTerm));
  STREAM_ASSIGN(known_, term_at(place_, entry));
  return known_;
}

Result<Looked> Candidacy::look(bool begins, bool fresh) {
  Result<Looked> looked = look_once(begins, fresh);
  if (!looked.ok()) standby_.saw_nothing();
  return looked;
}

Result<Looked> Candidacy::look_once(bool begins, bool fresh) {
  STREAM_ASSIGN(const Entry entry, coordination_->read(Register::kTerm));
  STREAM_ASSIGN(known_, term_at(place_, entry));
  Pulse pulse;
  if (known_.number != 0 && !known_.ended) {
    STREAM_ASSIGN(pulse, coordination_->pulse(known_.number, known_.leader.id));
    // What is left of a term of its own, which it has lost: it need not wait for itself.
    if (known_.leader.id == self_.id) pulse = {0, false, true};
  }
  Wish wish = standby_.look(known_, pulse, system_clock().monotonic_us());
  if (wish == Wish::kEnded && begins && (fresh || anew() || may_go_on(*known_.ended))) wish = Wish::kLead;
  if (wish == Wish::kEnded) return Looked(*known_.ended);
  // What nobody has led yet is for who begins it.
  if (wish == Wish::kWait || (known_.number == 0 && !begins)) return Looked(Waits());
  STREAM_ASSIGN(auto tenure, Tenure::take(coordination_, place_, self_, entry));
  if (!tenure) return Looked(Waits());
  return Looked(std::move(tenure));
}

bool Candidacy::anew() const { return !place_.deployment.empty() && known_.deployment != place_.deployment; }

Microseconds Candidacy::pause() const { return std::clamp(place_.lease / 10, kPauseMin, kPauseMax); }

Candidate this_candidate(const std::string& folder, const std::string& url) {
  std::array<char, HOST_NAME_MAX + 1> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  std::random_device random;
  Candidate self;
  self.id = std::to_string(random()) + std::to_string(random());
  self.host = host.data();
  self.pid = ::getpid();
  self.folder = folder;
  self.http = url;
  self.addresses = own_addresses();
  return self;
}

std::string text_of(const Candidate& candidate) {
  return candidate.host + " (process " + std::to_string(candidate.pid) + ")";
}

}  // namespace stream::ha
