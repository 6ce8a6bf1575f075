#include "supervisor/launcher.h"

namespace stream {
namespace {

class LocalInstance final : public LaunchedInstance {
 public:
  LocalInstance(StageProcess process, std::string address)
      : process_(std::move(process)), address_(std::move(address)) {}

  pid_t pid() const override { return process_.pid(); }
  LaunchPlace place() const override { return {.far = false, .address = address_, .folder = {}, .sockets = {}}; }
  void add_to(Poller& poller) const override {
    if (process_.running()) poller.add_descriptor(process_.pidfd());
    poller.add_descriptor(process_.output());
  }
  std::vector<std::string> read_lines() override { return process_.read_lines(); }
  const std::deque<std::string>& last_lines() const override { return process_.last_lines(); }
  std::optional<ProcessExit> reap() override { return process_.reap(); }
  void signal(int number) override { process_.signal(number); }

 private:
  StageProcess process_;
  std::string address_;
};

class LocalLauncher final : public Launcher {
 public:
  LocalLauncher(int lock, std::string address) : lock_(lock), address_(std::move(address)) {}

  Result<std::unique_ptr<LaunchedInstance>> start(const Launch& launch) override {
    const std::vector<std::string> argv = {launch.executable, "--control",
                                           control_text(launch.endpoint, launch.identity, false)};
    STREAM_ASSIGN(StageProcess process, StageProcess::start(argv, lock_, launch.output));
    return std::unique_ptr<LaunchedInstance>(std::make_unique<LocalInstance>(std::move(process), address_));
  }

 private:
  int lock_;
  std::string address_;
};

}  // namespace

std::string control_text(const std::string& endpoint, const std::string& identity, bool keyed) {
  return endpoint + "#" + identity + (keyed ? "#key" : "");
}

std::unique_ptr<Launcher> make_local_launcher(int lock, std::string address) {
  return std::make_unique<LocalLauncher>(lock, std::move(address));
}

}  // namespace stream
