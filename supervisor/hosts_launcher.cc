#include "supervisor/hosts_launcher.h"

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "supervisor/drain_watch.h"
#include "supervisor/far_host.h"

namespace stream {
namespace {

constexpr Microseconds kGatherAtLeast = 100'000;

class AgentsInstance final : public LaunchedInstance {
 public:
  AgentsInstance(FarHost& host, std::shared_ptr<FarInstance> instance) : host_(host), instance_(std::move(instance)) {}
  ~AgentsInstance() override {
    if (instance_->exit) return;
    instance_->leaving = true;
    host_.signal(*instance_, SIGKILL);
  }
  AgentsInstance(const AgentsInstance&) = delete;
  AgentsInstance& operator=(const AgentsInstance&) = delete;

  pid_t pid() const override { return instance_->pid; }
  LaunchPlace place() const override { return host_.place(); }
  void add_to(Poller& /*poller*/) const override {}  // the launcher does, once a host
  std::vector<std::string> read_lines() override { return std::exchange(instance_->lines, {}); }
  const std::deque<std::string>& last_lines() const override { return instance_->last_lines; }
  std::optional<ProcessExit> reap() override {
    if (!instance_->exit || std::exchange(instance_->told, true)) return std::nullopt;
    return instance_->exit;
  }
  void signal(int number) override { host_.signal(*instance_, number); }

 private:
  FarHost& host_;
  std::shared_ptr<FarInstance> instance_;
};

class HostsLauncher final : public Launcher {
 public:
  explicit HostsLauncher(HostsSetup setup) : setup_(std::move(setup)) {
    for (const HostSpec& spec : setup_.hosts) {
      if (spec.local) {
        local_name_ = spec.name;
        local_ = make_local_launcher(setup_.lock, spec.address);
      } else {
        if (spec.here) printer_ = make_local_launcher(setup_.lock, spec.address);
        hosts_.push_back(std::make_unique<FarHost>(of(spec)));
      }
    }
    if (std::ranges::count_if(setup_.hosts, &HostSpec::slurm) > 1) drains_.emplace();
  }

  Result<std::unique_ptr<LaunchedInstance>> start(const Launch& launch) override {
    if (local_ && launch.host == local_name_) return local_->start(launch);
    if (printer_ && launch.output >= 0) return printer_->start(launch);
    const auto at = std::ranges::find(hosts_, launch.host, [](const auto& host) { return host->name(); });
    if (at == hosts_.end()) return failed("there is no host '" + launch.host + "'");
    const auto spec = std::ranges::find(setup_.hosts, launch.host, &HostSpec::name);
    return std::unique_ptr<LaunchedInstance>(
        std::make_unique<AgentsInstance>(**at, (*at)->start(launch, program_there(launch.executable, *spec))));
  }

  void add_to(Poller& poller) const override {
    for (const auto& host : hosts_) host->add_to(poller);
    if (drains_) drains_->add_to(poller);
  }
  Status turn(Microseconds now) override {
    if (drains_) leave_drained(now);
    for (const auto& host : hosts_) host->turn(now);
    if (fits_) gather_on(now);
    return {};
  }
  Microseconds next_turn() const override {
    Microseconds next = drains_ ? drains_->next_turn() : INT64_MAX;
    for (const auto& host : hosts_) next = std::min(next, host->next_turn());
    return fits_ ? std::min(next, gathered_by()) : next;
  }
  void gather(const std::set<std::string>& doubtful, Fits fits) override {
    doubtful_ = doubtful;
    fits_ = std::move(fits);
    gather_began_ = system_clock().monotonic_us();
    for (const auto& host : hosts_) host->reach(gather_began_);
    awaited_ = awaited().size();
  }
  bool settled() const override {
    return !fits_ && std::ranges::all_of(hosts_, [](const auto& host) { return host->settled(); });
  }
  std::set<std::string> lost() const override { return those(&FarHost::lost); }
  std::set<std::string> leaving() const override { return those(&FarHost::leaving); }
  void let_go(const std::string& name, Microseconds now) override {
    for (const auto& host : hosts_) {
      if (host->name() == name) host->let_go(now);
    }
  }
  std::vector<std::string> take_news() override {
    std::vector<std::string> news;
    for (const auto& host : hosts_) {
      if (auto text = host->take_news()) news.push_back(*std::move(text));
    }
    return news;
  }

 private:
  std::set<std::string> awaited() const { return those(&FarHost::awaited); }
  std::set<std::string> those(bool (FarHost::*are)() const) const {
    std::set<std::string> names;
    for (const auto& host : hosts_) {
      if (((*host).*are)()) names.insert(host->name());
    }
    return names;
  }

  // Who takes more than twice as long as the slowest of those that have answered need not be waited for, one of which
  // it is doubted that it lives a quarter longer.
  Microseconds gathered_by() const {
    if (!answered_at_ || unfit_) return INT64_MAX;
    const bool doubted = std::ranges::includes(doubtful_, awaited());
    return *answered_at_ + std::max(kGatherAtLeast, (*answered_at_ - gather_began_) / (doubted ? 4 : 1));
  }

  void gather_on(Microseconds now) {
    std::set<std::string> slow = awaited();
    if (slow.size() != awaited_) {
      awaited_ = slow.size();
      answered_at_ = now;
      unfit_ = false;
    }
    if (!slow.empty() && now < gathered_by()) return;
    std::set<std::string> without = lost();
    without.insert(slow.begin(), slow.end());
    unfit_ = !slow.empty() && !fits_(without);
    if (unfit_) return;
    for (const auto& host : hosts_) {
      if (slow.contains(host->name())) host->leave_out();
    }
    fits_ = nullptr;
  }

  // Where there is no other host it stays, as any job of Slurm's does.
  void leave_drained(Microseconds now) {
    std::vector<std::string> nodes;
    for (const auto& host : hosts_) {
      if (!host->node().empty()) nodes.push_back(host->node());
    }
    drains_->watch(std::move(nodes));
    drains_->turn(now);
    const std::set<std::string>& drained = drains_->drained();
    for (const auto& host : hosts_) {
      const bool leaves = drained.contains(host->node()) && std::ranges::any_of(hosts_, [&](const auto& other) {
                            return other != host && !other->lost() && !drained.contains(other->node());
                          });
      host->keep_off(leaves ? "Slurm drains it" : "", now);
    }
  }

  FarHost::Setup of(const HostSpec& spec) const {
    FarHost::Setup setup;
    setup.spec = spec;
    setup.job = setup_.job;
    setup.place = setup_.place + "-" + spec.name;
    setup.agent = (spec.programs.empty() ? setup_.programs : spec.programs) + "/" + setup_.agent;
    setup.secret = setup_.secret;
    setup.silence = setup_.silence;
    setup.door = setup_.door;
    return setup;
  }

  // Ours are where the host has them; a stage of the user's own is under the same path everywhere.
  std::string program_there(const std::string& executable, const HostSpec& spec) const {
    const std::filesystem::path path(executable);
    const bool ours = path.parent_path().lexically_normal() == std::filesystem::path(setup_.programs);
    return ours && !spec.programs.empty() ? spec.programs + "/" + path.filename().string() : executable;
  }

  HostsSetup setup_;
  std::string local_name_;
  std::unique_ptr<Launcher> local_;
  std::unique_ptr<Launcher> printer_;  // of what writes where the supervisor does, on a node of Slurm's
  std::vector<std::unique_ptr<FarHost>> hosts_;
  std::optional<DrainWatch> drains_;  // of a Slurm job with several nodes
  std::set<std::string> doubtful_;
  Fits fits_;  // while hosts are being gathered
  Microseconds gather_began_ = 0;
  std::optional<Microseconds> answered_at_;  // when the last of them did, or was lost
  std::size_t awaited_ = 0;                  // how many have not
  bool unfit_ = false;                       // it cannot go on without these
};

}  // namespace

std::unique_ptr<Launcher> make_hosts_launcher(HostsSetup setup) {
  return std::make_unique<HostsLauncher>(std::move(setup));
}

}  // namespace stream
