// JobRunner: instances on several hosts.
#include <algorithm>
#include <filesystem>

#include "supervisor/checkpoint_place.h"
#include "supervisor/hosts_launcher.h"
#include "supervisor/job_runner.h"
#include "supervisor/plan_hosts.h"
#include "transport/base/own_addresses.h"
#include "transport/record/key.h"

namespace stream {
namespace {

constexpr Microseconds kLeavePatience = 30'000'000;  // for a checkpoint

std::string hex(std::uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

// As this host sees them. Where several supervisors stand ready the one that is 'via: local' may be another.
std::vector<HostSpec> hosts_from_here(const PipelineSpec& pipeline, bool several) {
  std::vector<HostSpec> hosts = pipeline.hosts;
  if (!several) return hosts;
  const std::vector<std::string> own = own_addresses();
  for (HostSpec& host : hosts)
    host.local = host.local && (host.address.starts_with("127.") || std::ranges::find(own, host.address) != own.end());
  return hosts;
}

// Under which the supervisor is reached, if the manifest says so.
std::string own_address(const std::vector<HostSpec>& hosts) {
  for (const HostSpec& host : hosts) {
    if (host.local || host.here) return host.address;
  }
  return {};
}

}  // namespace

// The key is of this supervisor alone: nobody keeps it, and the next one makes another.
Status JobRunner::prepare_hosts() {
  if (!has_far_hosts(plan_.pipeline)) {
    const std::string address = own_address(plan_.pipeline.hosts);
    launcher_ = make_local_launcher(lock_->descriptor(), address);
    return {};
  }
  STREAM_ASSIGN(const CurveKeys keys, make_curve_keys());
  transport_.encrypt_tcp(keys);
  transport_.watch_tcp(plan_.pipeline.restart.heartbeat);
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return system_error("find", "this program", error.value());
  HostsSetup setup;
  setup.hosts = hosts_from_here(plan_.pipeline, leadership_ != nullptr);
  setup.job = paths_.job;
  setup.place = hex(hash_key(record_.id + (leadership_ ? leadership_->place() : paths_.folder)));
  setup.programs = self.parent_path().lexically_normal().string();
  setup.agent = STREAM_AGENT;
  setup.secret = secret_to_text(keys.secret) + " " + std::to_string(plan_.pipeline.restart.heartbeat);
  setup.silence = plan_.pipeline.restart.heartbeat;
  setup.lock = lock_->descriptor();
  setup.door = [this](const std::string& reaches) { return open_door(reaches); };
  launcher_ = make_hosts_launcher(std::move(setup));
  return {};
}

// A place to connect to for instances that see this host under the address.
Result<std::string> JobRunner::open_door(const std::string& reaches) {
  const std::string own = own_address(hosts_from_here(plan_.pipeline, leadership_ != nullptr));
  const std::string& address = own.empty() ? reaches : own;
  if (address.empty())
    return failed(
        "it does not say under which address it sees this host; give this one a place in 'hosts', "
        "with 'via: local' and its address");
  if (const auto open = doors_.find(address); open != doors_.end()) return open->second;
  auto bound = control_->bind_also(transport_, any_port(address));
  if (!bound.ok())
    return failed(bound.status().what() + "; name an address of this host that the others reach, as one of 'hosts' " +
                  "with 'via: local'");
  doors_[address] = *bound;
  return *bound;
}

// Where each instance of the plan goes. Those of stages that are not in `moved` stay where they are.
Result<Placed> JobRunner::places_for(const JobPlan& plan, const std::set<std::size_t>* moved) const {
  std::vector<std::vector<std::optional<std::size_t>>> kept;
  for (std::size_t stage = 0; moved != nullptr && stage < placed_.size(); ++stage) {
    kept.emplace_back();
    if (!moved->contains(stage)) kept.back().assign(placed_[stage].begin(), placed_[stage].end());
  }
  return place_plan(plan, launcher_->lost(), kept);
}

Status JobRunner::place_instances(const JobPlan& plan, const std::set<std::size_t>* moved) {
  STREAM_ASSIGN(Placed placed, places_for(plan, moved));
  if (placed != placed_ && !placed.empty()) log_->info("places " + placement_text(plan, placed));
  placed_ = std::move(placed);
  return {};
}

// Who takes over begins with the hosts that answer: that of the last leader may have died with it. Pods and nodes of
// Slurm are not compared by how soon they do.
bool JobRunner::gather_hosts() {
  const auto by_ssh = [](const HostSpec& host) { return !host.pod && !host.slurm; };
  const bool inherited = leadership_ && goes_on_ && record_.attempt != Attempt(0);
  if (!inherited || !has_far_hosts(plan_.pipeline) || !std::ranges::all_of(plan_.pipeline.hosts, by_ssh)) return false;
  std::set<std::string> doubtful;
  for (const HostSpec& host : plan_.pipeline.hosts) {
    const bool led = std::ranges::any_of(
        last_led_at_, [&](const std::string& name) { return name == host.name || name == host.address; });
    if (led) doubtful.insert(host.name);
  }
  launcher_->gather(doubtful,
                    [this](const std::set<std::string>& without) { return place_plan(plan_, without, {}).ok(); });
  phase_ = Phase::kRestarting;
  restart_at_ = system_clock().monotonic_us();
  return true;
}

bool JobRunner::used(const std::set<std::string>& hosts) const {
  return std::ranges::any_of(placed_, [&](const std::vector<std::size_t>& stage) {
    return std::ranges::any_of(stage, [&](std::size_t at) { return hosts.contains(plan_.pipeline.hosts[at].name); });
  });
}

// What is there has a checkpoint made before it is moved, so that nothing need be done twice.
void JobRunner::leave_hosts(Microseconds now) {
  const std::set<std::string> leaving = launcher_->leaving();
  if (leaving.empty()) return leave_after_.reset();
  const bool runs = attempt_ && coordinator_ && !leaving_until_ && used(leaving);
  if (runs && !leave_after_ && !rescale_) {
    leave_after_ = coordinator_->current().value_or(last_complete_);
    leave_by_ = now + kLeavePatience;
    if (Status asked = act(coordinator_->request(now)); !asked.ok()) return fail(asked.what(), true);
  }
  const bool waits = runs && (!leave_after_ || (last_complete_ <= *leave_after_ && now < leave_by_));
  if (waits) return;
  for (const std::string& name : leaving) launcher_->let_go(name, now);
}

void JobRunner::follow_hosts(Microseconds now) {
  if (Status turned = launcher_->turn(now); !turned.ok()) fail(turned.what(), true);
  for (const std::string& news : launcher_->take_news()) {
    const bool lost = news.find(" is lost: ") != std::string::npos;
    const bool left = news.find(" is left at ") != std::string::npos;
    lost ? log_->error(news) : log_->info(news);
    const bool unused = news.find(" is unused: ") != std::string::npos;
    event(lost ? "host-lost" : left ? "host-leaving" : unused ? "host-unused" : "host-back", news);
  }
  leave_hosts(now);
  if (doors_.empty()) return;
  turned_away_ += control_->take_refused();
  if (turned_away_ == 0 || now < tell_turned_away_at_) return;
  log_->warning(std::to_string(turned_away_) + (turned_away_ == 1 ? " connection was" : " connections were") +
                " turned away from the control port, or broke off before showing the key of this job");
  turned_away_ = 0;
  tell_turned_away_at_ = now + 10'000'000;
}

}  // namespace stream
