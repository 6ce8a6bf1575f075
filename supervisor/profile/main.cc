// stream-profiler: samples the stacks of processes from outside. A program of its own, so that no other loads what
// reads programs, and nothing of it runs within a stage. What it is told and says: supervisor/profile/settings.h.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <unordered_map>

#include "supervisor/profile/sampler.h"

namespace {

using namespace stream;
using namespace stream::profile;

constexpr std::size_t kStacksMax = 50'000;  // different ones

class Stacks {
 public:
  void add(const std::string& folded) {
    ++samples_;
    const bool room = counts_.size() < kStacksMax || counts_.contains(folded);
    ++counts_[room ? folded : "[more stacks than are kept]"];
  }
  void print() const {
    for (const auto& [folded, count] : counts_)
      std::printf("%s %llu\n", folded.c_str(), static_cast<unsigned long long>(count));
  }
  std::uint64_t samples() const { return samples_; }

 private:
  std::unordered_map<std::string, std::uint64_t> counts_;
  std::uint64_t samples_ = 0;
};

// A little more or less than the period each time, so that nothing periodic in the process falls in step with it.
class Pace {
 public:
  explicit Pace(std::uint32_t rate) : period_(1'000'000 / std::max(1U, rate)), next_(system_clock().monotonic_us()) {}

  void wait() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    const auto part = static_cast<Microseconds>((state_ >> 33) % 512);  // of 512
    next_ = std::max(next_, system_clock().monotonic_us() - period_) + period_ * (768 + part) / 1024;
    const Microseconds left = next_ - system_clock().monotonic_us();
    if (left <= 0) return;  // looking takes longer than the period
    const timespec time{left / 1'000'000, left % 1'000'000 * 1000};
    ::nanosleep(&time, nullptr);
  }

 private:
  Microseconds period_;
  Microseconds next_;
  std::uint64_t state_ = 0x9e3779b97f4a7c15ULL;
};

Status run(const Settings& settings) {
  std::vector<std::unique_ptr<Sampler>> samplers;
  for (const Target& target : settings.targets) {
    STREAM_ASSIGN(samplers.emplace_back(), Sampler::open(target, settings.states));
  }
  Stacks stacks;
  Summary summary;
  Pace pace(settings.rate);
  const Microseconds began = system_clock().monotonic_us();
  while (system_clock().monotonic_us() - began < settings.duration) {
    pace.wait();
    bool any = false;
    for (const auto& sampler : samplers) {
      if (sampler->look([&](const std::string& folded) { stacks.add(folded); })) any = true;
    }
    if (!any) break;  // all have ended
    ++summary.rounds;
  }
  summary.took_us = system_clock().monotonic_us() - began;
  summary.samples = stacks.samples();
  for (const auto& sampler : samplers) summary.missed += sampler->missed();
  stacks.print();
  std::printf("%s%s\n", std::string(kSummary).c_str(), to_json(summary).c_str());
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  ::unsetenv("DEBUGINFOD_URLS");  // symbols are what is on this machine: nobody is asked over a network
  const auto settings = settings_from_json(argc == 2 ? argv[1] : "");
  const Status done = settings.ok() ? run(*settings) : settings.status();
  if (done.ok()) return std::fflush(stdout) == 0 ? 0 : 111;
  std::printf("%s%s\n", std::string(kFatal).c_str(), done.what().c_str());
  return 1;
}
