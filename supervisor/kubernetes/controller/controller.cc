#include "supervisor/kubernetes/controller/controller.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "supervisor/ha/candidacy.h"
#include "supervisor/kubernetes/controller/reconciler.h"
#include "supervisor/kubernetes/controller/watch.h"
#include "supervisor/kubernetes/definition.h"

namespace stream::kubernetes {
namespace {

constexpr char kLease[] = "10s";
constexpr Microseconds kLookEvery = 3'000'000;  // whether it has changed or not: what is seen changes by itself
constexpr Microseconds kTurn = 250'000;         // so soon is a signal, and that another leads, noticed
constexpr Microseconds kBackMost = 60'000'000;

bool is_there(int signals, Microseconds patience) {
  pollfd ready = {signals, POLLIN, 0};
  return ::poll(&ready, 1, static_cast<int>(patience / 1000)) > 0;
}

// When to look at one again.
struct Next {
  Microseconds at = 0;  // monotonic
  int failures = 0;
};

Microseconds after_failures(int failures) { return std::min(kLookEvery << std::min(failures - 1, 10), kBackMost); }

class Rounds {
 public:
  explicit Rounds(Reconciler& reconciler) : reconciler_(reconciler) {}

  void changed(const std::set<std::string>& names) {
    for (const std::string& name : names) next_[name] = {};
  }

  // Looks at those whose time has come, one by one. False: `enough` says so.
  template <typename Enough>
  bool turn(const std::set<std::string>& all, const Enough& enough) {
    std::erase_if(next_, [&](const auto& one) { return !all.contains(one.first); });
    for (const std::string& name : all) {
      if (system_clock().monotonic_us() < next_[name].at) continue;
      if (enough()) return false;
      look(name, next_[name]);
    }
    return true;
  }

 private:
  void look(const std::string& name, Next& next) {
    const auto more = reconciler_.look(name);
    const Microseconds now = system_clock().monotonic_us();
    if (more.ok()) {
      next = {*more ? now : now + kLookEvery, 0};
      return;
    }
    std::fprintf(stderr, "%s: %s\n", name.c_str(), more.status().what().c_str());
    next.at = now + after_failures(++next.failures);
  }

  Reconciler& reconciler_;
  std::map<std::string, Next> next_;
};

}  // namespace

Result<std::unique_ptr<ha::Tenure>> wait_to_lead(const ApiPlace& api, int signals) {
  STREAM_ASSIGN(const ha::Place place, ha::parse_place("kubernetes:///" + api.space + "?lease=" + kLease));
  ha::Candidate self = ha::this_candidate("", "");
  STREAM_ASSIGN(std::shared_ptr<ha::Coordination> coordination, ha::open_coordination(place, kControllerJob, self.id));
  ha::Candidacy candidacy(std::move(coordination), place, std::move(self));
  std::string said;
  for (;;) {
    auto looked = candidacy.look(true, true);
    if (!looked.ok() && looked.status().code() != Code::kSystem) return std::move(looked).status();
    if (looked.ok()) {
      if (auto* found = std::get_if<std::unique_ptr<ha::Tenure>>(&*looked)) return std::move(*found);
    }
    const std::string now = looked.ok() ? ha::text_of(candidacy.known().leader) + " leads" : looked.status().what();
    if (now != said) std::fprintf(stderr, "controller: stands by: %s\n", now.c_str());
    said = now;
    if (is_there(signals, candidacy.pause())) return std::unique_ptr<ha::Tenure>();
  }
}

Status look_after(const ApiPlace& place, const std::string& program, const ha::Tenure& tenure, int signals) {
  Cluster cluster(place);
  STREAM_ASSIGN(std::string key, cluster.key());
  Renderer renderer(program, "/tmp/stream-controller-" + std::to_string(::getpid()));
  Reconciler reconciler(cluster, std::move(renderer), std::move(key));
  Watch watch(place);
  Rounds rounds(reconciler);
  const auto enough = [&] { return is_there(signals, 0) || !tenure.lost().empty(); };
  while (!enough()) {
    rounds.changed(watch.take(kTurn));
    if (!rounds.turn(watch.all(), enough)) break;
  }
  const std::string lost = tenure.lost();
  return lost.empty() ? Status() : failed("leads no more: " + lost);
}

}  // namespace stream::kubernetes
