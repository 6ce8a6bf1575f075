// Brings what a command prints to who has asked for it, until it has ended or nobody listens any more.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "supervisor/http/command_lines.h"
#include "supervisor/http/command_process.h"
#include "supervisor/http/open_end.h"
#include "transport/base/clock.h"

namespace stream::http {

inline constexpr Microseconds kCommandTime = 3'600'000'000;  // of a command that does not follow anything
inline constexpr Microseconds kReaderTime = 3'600'000'000;   // without a byte taken by who reads
inline constexpr Microseconds kCommandGrace = 30'000'000;    // to end when it is told to
inline constexpr Microseconds kSilence = 10'000'000;         // then it is said that it goes on
inline constexpr std::size_t kUnsentMax = 256U << 10;        // bytes of lines; then the command waits

class CommandRelay {
 public:
  // `stop`: an eventfd that becomes readable when the server ends.
  CommandRelay(std::unique_ptr<CommandProcess> process, std::unique_ptr<OpenEnd> end, int stop)
      : process_(std::move(process)), end_(std::move(end)), stop_(stop) {}
  void run();
  // When that has returned: why the command has failed; "" = it has not.
  std::string failure() const;

 private:
  void wait();
  void look_at_reader(short events);
  bool take(int fd, CommandOutput& output);
  void take_outputs();
  void look_at_process();
  void look_at_clock();
  void end_command(const char* why);
  void flush();
  bool over() const;

  const std::unique_ptr<CommandProcess> process_;
  const std::unique_ptr<OpenEnd> end_;
  const int stop_;
  CommandOutput out_{"stdout"};
  CommandOutput err_{"stderr"};
  std::string unsent_;
  std::string last_error_;  // the end of what it has said on its standard error
  bool hushed_ = false;     // who reads says nothing more
  bool gone_ = false;       // … and hears nothing
  bool quiet_ = false;      // both outputs are empty
  std::optional<CommandProcess::End> ended_ = {};
  bool told_ = false;  // how it has ended
  Microseconds begun_us_ = system_clock().monotonic_us();
  Microseconds sent_us_ = begun_us_;  // when a byte was last taken
  Microseconds leaving_us_ = 0;       // since when it has been told to end; 0 = it has not
  bool killed_ = false;
};

}  // namespace stream::http
