#include "supervisor/placement.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();

bool answers_to(const HostSpec& host, const std::string& word) {
  return host.name == word || std::ranges::find(host.labels, word) != host.labels.end();
}

bool may_use(const StagePlacement& placement, const HostSpec& host) {
  return placement.hosts.empty() ||
         std::ranges::any_of(placement.hosts, [&](const std::string& word) { return answers_to(host, word); });
}

std::vector<std::string> words_of(const std::vector<HostSpec>& hosts) {
  std::vector<std::string> words;
  for (const HostSpec& host : hosts) {
    words.push_back(host.name);
    words.insert(words.end(), host.labels.begin(), host.labels.end());
  }
  std::ranges::sort(words);
  // Not std::ranges::unique, which clang 14 cannot compile.
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return words;
}

class Placer {
 public:
  explicit Placer(const PlacementQuestion& question) : question_(question) {
    const std::size_t hosts = question.hosts.size();
    load_.assign(hosts, 0);
    weighed_ = std::ranges::all_of(question.hosts, [](const HostSpec& host) { return host.slots > 0; });
    for (const PlacedStage& stage : question.stages) {
      placed_.emplace_back(stage.parallelism, kNowhere);
      of_stage_.emplace_back(hosts, 0);
    }
  }

  Result<Placed> place() {
    take_kept();
    std::vector<bool> done(question_.stages.size(), false);
    for (std::size_t round = 0; round < question_.stages.size(); ++round) {
      const auto next = next_stage(done);
      if (!next) return in_a_circle(done);
      STREAM_TRY(place_stage(*next));
      done[*next] = true;
    }
    return std::move(placed_);
  }

 private:
  void take_kept() {
    for (std::size_t stage = 0; stage < question_.kept.size(); ++stage) {
      for (std::size_t i = 0; i < std::min(question_.kept[stage].size(), placed_[stage].size()); ++i) {
        if (question_.kept[stage][i]) put(stage, i, *question_.kept[stage][i]);
      }
    }
  }

  // In order, but a stage that is near another comes after it.
  std::optional<std::size_t> next_stage(const std::vector<bool>& done) const {
    for (std::size_t i = 0; i < done.size(); ++i) {
      if (done[i]) continue;
      const std::size_t near = near_of(question_.stages[i]);
      if (near == kNowhere || done[near]) return i;
    }
    return std::nullopt;
  }

  std::size_t near_of(const PlacedStage& stage) const {
    if (stage.placement.near.empty()) return kNowhere;
    const auto at = std::ranges::find(question_.stages, stage.placement.near, &PlacedStage::name);
    return at == question_.stages.end() ? kNowhere : static_cast<std::size_t>(at - question_.stages.begin());
  }

  Status in_a_circle(const std::vector<bool>& done) const {
    const auto first = static_cast<std::size_t>(std::ranges::find(done, false) - done.begin());
    return usage_error("stage '" + question_.stages[first].name +
                       "' cannot be placed: 'near' leads back to it in a circle; take one away");
  }

  Status place_stage(std::size_t stage) {
    STREAM_ASSIGN(const std::vector<std::size_t> usable, usable_hosts(stage));
    for (std::size_t i = 0; i < placed_[stage].size(); ++i) {
      if (placed_[stage][i] != kNowhere) continue;
      const std::size_t host = choose(stage, i, usable);
      if (host == kNowhere) return full(stage, i, usable);
      put(stage, i, host);
    }
    return {};
  }

  Result<std::vector<std::size_t>> usable_hosts(std::size_t at) const {
    const PlacedStage& stage = question_.stages[at];
    STREAM_TRY(check_words(stage));
    std::vector<std::size_t> usable;
    std::vector<std::string> lost;
    for (std::size_t i = 0; i < question_.hosts.size(); ++i) {
      const HostSpec& host = question_.hosts[i];
      if (!may_use(stage.placement, host) || (!stage.only_here.empty() && !host.local && !host.here)) continue;
      if (question_.lost.contains(host.name))
        lost.push_back("'" + host.name + "'");
      else
        usable.push_back(i);
    }
    if (!usable.empty()) return usable;
    const std::string name = "stage '" + stage.name + "' cannot be placed: ";
    if (!lost.empty())
      return failed(name + "every host it may use is lost (" + join(lost, ", ") +
                    "); bring one back, or give it others with 'hosts'");
    return usage_error(name + stage.only_here + ", and " +
                       (stage.placement.hosts.empty() ? "no host of the manifest is" : "none of its 'hosts' is") +
                       " this one; give it a host with 'via: local'");
  }

  Status check_words(const PlacedStage& stage) const {
    const std::vector<std::string> known = words_of(question_.hosts);
    for (const std::string& word : stage.placement.hosts) {
      if (std::ranges::find(known, word) == known.end())
        return usage_error("stage '" + stage.name + "': no host has the name or label '" + word + "'" +
                           did_you_mean(word, known) + "; there are " + join(known, ", "));
    }
    if (!stage.placement.near.empty() && near_of(stage) == kNowhere)
      return usage_error("stage '" + stage.name + "': 'near' names '" + stage.placement.near + "', which is no stage");
    return {};
  }

  Status full(std::size_t stage, std::size_t instance, const std::vector<std::size_t>& usable) const {
    std::vector<std::string> names;
    for (const std::size_t host : usable)
      names.push_back("'" + question_.hosts[host].name + "' " + std::to_string(question_.hosts[host].slots));
    const std::string what = question_.stages[stage].name + "." + std::to_string(instance) +
                             " cannot be placed: every host it may use is full (slots: " + join(names, ", ") + ")";
    const bool lost = std::ranges::any_of(question_.hosts, [&](const HostSpec& host) {
      return question_.lost.contains(host.name) && may_use(question_.stages[stage].placement, host);
    });
    if (lost) return failed(what + ", and others are lost; bring one back, or give hosts more 'slots'");
    return usage_error(what + "; give hosts more 'slots', add one, or lower 'parallelism'");
  }

  bool has_slot(std::size_t host) const {
    return question_.hosts[host].slots == 0 || load_[host] < question_.hosts[host].slots;
  }

  double share(std::size_t count, std::size_t host) const {
    return static_cast<double>(count) / (weighed_ ? question_.hosts[host].slots : 1);
  }

  // The host of the instance it stands beside, if there is such a wish.
  std::size_t beside(const PlacedStage& stage, std::size_t instance) const {
    const std::size_t near = near_of(stage);
    return near == kNowhere ? kNowhere : placed_[near][instance % placed_[near].size()];
  }

  bool is_near_input(const PlacedStage& stage, std::size_t instance, std::size_t host) const {
    return std::ranges::any_of(stage.reads_from, [&](std::size_t from) {
      return instance < placed_[from].size() && placed_[from][instance] == host;
    });
  }

  std::size_t choose(std::size_t at, std::size_t instance, const std::vector<std::size_t>& usable) const {
    const PlacedStage& stage = question_.stages[at];
    const std::size_t wanted = beside(stage, instance);
    const auto rank = [&](std::size_t host) {
      const bool packs = stage.placement.rule == PlaceRule::kPack;
      return std::tuple(host != wanted && wanted != kNowhere, packs ? (load_[host] == 0 ? 1.0 : 0.0) : 0.0,
                        packs ? 0.0 : share(of_stage_[at][host], host), !packs && !is_near_input(stage, instance, host),
                        packs ? 0.0 : share(load_[host], host), host);
    };
    std::size_t best = kNowhere;
    for (const std::size_t host : usable) {
      if (has_slot(host) && (best == kNowhere || rank(host) < rank(best))) best = host;
    }
    return best;
  }

  void put(std::size_t stage, std::size_t instance, std::size_t host) {
    placed_[stage][instance] = host;
    ++of_stage_[stage][host];
    ++load_[host];
  }

  const PlacementQuestion& question_;
  Placed placed_;
  std::vector<std::vector<std::size_t>> of_stage_;  // by stage and host
  std::vector<std::size_t> load_;
  bool weighed_ = false;
};

}  // namespace

Result<Placed> place(const PlacementQuestion& question) { return Placer(question).place(); }

}  // namespace stream
