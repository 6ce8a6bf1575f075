#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "cli/command.h"
#include "cli/top_collector.h"
#include "cli/top_terminal.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "supervisor/job_client.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr char kSelf[] = "/proc/self/exe";

// What has been ordered by a key is done by `stream` itself, beside the screen, one order at a time.
class OrderRunner {
 public:
  ~OrderRunner() {
    if (said_ >= 0) ::close(said_);  // what it does goes on
  }
  bool busy() const { return said_ >= 0; }
  int descriptor() const { return said_; }

  Status start(Order order) {
    order_ = std::move(order);
    next_ = 0;
    text_.clear();
    return start_next();
  }

  // Reads what it says; a line for the screen when it is done.
  std::optional<Span> read() {
    char chunk[4096];
    const ssize_t n = ::read(said_, chunk, sizeof chunk);
    if (n > 0) text_.append(chunk, static_cast<std::size_t>(n));
    if (n > 0) return std::nullopt;
    ::close(said_);
    said_ = -1;
    int status = 0;
    ::waitpid(pid_, &status, 0);
    const bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (good && next_ < order_.commands.size()) {
      const Status started = start_next();
      if (started.ok()) return std::nullopt;
      return Span{started.what(), Style::kBad};
    }
    return Span{order_.title + ": " + last_line(), good ? Style::kGood : Style::kBad};
  }

 private:
  Status start_next() {
    std::vector<std::string>& words = order_.commands[next_++];
    std::vector<char*> arguments = {const_cast<char*>("stream")};
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("pipe", "", errno);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    const int error = ::posix_spawn(&pid_, kSelf, &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    if (error != 0) {
      ::close(ends[0]);
      return system_error("start", "stream " + join(words, " "), error);
    }
    said_ = ends[0];
    return {};
  }

  std::string last_line() const {
    std::string text = text_;
    while (!text.empty() && text.back() == '\n') text.pop_back();
    const std::size_t at = text.rfind('\n');
    if (at != std::string::npos) text.erase(0, at + 1);
    return text.empty() ? "done" : text;
  }

  Order order_;
  std::size_t next_ = 0;
  std::string text_;
  int said_ = -1;
  pid_t pid_ = 0;
};

void begin(OrderRunner& runner, Order order, TopState& state) {
  if (runner.busy()) return state.say("One thing at a time: the last one is still being done.", Style::kWarning);
  const std::string title = order.title;
  const Status started = runner.start(std::move(order));
  started.ok() ? state.say(title + " ...") : state.say(started.what(), Style::kBad);
}

// False: somebody leaves.
bool obey_keys(TopTerminal& terminal, TopState& state, OrderRunner& runner) {
  while (const auto key = terminal.key()) {
    Pressed pressed = state.press(*key);
    if (pressed.leave) return false;
    for (Order& order : pressed.orders) begin(runner, std::move(order), state);
  }
  return !terminal.gone();
}

int show(TopTerminal& terminal, std::unique_ptr<TopSource> source, const std::string& job, Microseconds interval) {
  TopState state(job);
  OrderRunner runner;
  TopCollector collector(std::move(source), interval);
  for (;;) {
    collector.want({.page = state.page(), .job = state.job(), .stage = state.stage()});
    terminal.draw(picture(state, terminal.canvas()));
    pollfd ready[] = {{0, POLLIN, 0}, {collector.descriptor(), POLLIN, 0}, {runner.descriptor(), POLLIN, 0}};
    ::poll(ready, 3, -1);  // or the size of the terminal has changed
    if (!obey_keys(terminal, state, runner)) return kDone;
    if (auto sample = collector.take()) state.take(*std::move(sample));
    if (ready[2].revents != 0 && runner.busy()) {
      if (auto said = runner.read()) {
        state.say(std::move(said->text), said->style);
        collector.hurry();
      }
    }
  }
}

// For the verbs that ask it, and for those that keys order.
bool take_server(const VerbValues& values) {
  for (const auto& [option, variable] :
       {std::pair{"server", "STREAM_SERVER"}, {"token-file", "STREAM_TOKEN_FILE"}, {"ca-file", "STREAM_CA_FILE"}}) {
    if (values.has(option)) ::setenv(variable, values.text(option).c_str(), 1);
  }
  const char* server = std::getenv("STREAM_SERVER");
  return server != nullptr && *server != '\0';
}

Result<std::string> job_here(const VerbValues& values) {
  if (!values.has("job")) return std::string();
  STREAM_ASSIGN(const JobPaths found, find_job(values.text("job")));
  return found.job;
}

Result<std::string> job_of(TopSource& source, const VerbValues& values) {
  STREAM_ASSIGN(const auto loads, source.loads());
  const std::string& wanted = values.text("job");
  if (wanted.empty()) return wanted;
  const auto found = std::ranges::find_if(loads, [&](const JobLoad& load) {
    return load.name == wanted || (wanted.size() >= 4 && load.id.starts_with(wanted));
  });
  if (found == loads.end()) return usage_error("there is no job '" + wanted + "' at the server");
  return found->name;
}

int run(const VerbValues& values) {
  constexpr Microseconds kLeastInterval = 100'000;
  if (values.duration("interval") < kLeastInterval)
    return fail("top", usage_error("option '--interval': at least " + format_duration(kLeastInterval)));
  const bool far = take_server(values);
  std::unique_ptr<TopSource> source = far ? jobs_of_server() : jobs_here();
  const auto job = far ? job_of(*source, values) : job_here(values);
  if (!job.ok()) return fail("top", job.status());
  auto terminal = TopTerminal::open();
  if (!terminal.ok()) return fail("top", terminal.status());
  return show(*terminal, std::move(source), *job, values.duration("interval"));
}

constexpr VerbOption kOptions[] = {
    {.name = "job",
     .arg = "JOB",
     .doc = "Begin with this job, by name or unique id prefix; left out: with the list of all.",
     .kind = ValueKind::kJob,
     .positional = true},
    {.name = "interval",
     .arg = "DURATION",
     .doc = "How often the jobs are asked.",
     .kind = ValueKind::kDuration,
     .fallback = "1s"},
};

constexpr VerbExample kExamples[] = {
    {"stream top", "Shows all jobs, live."},
    {"stream top web-errors", "Shows the stages of one."},
};

}  // namespace

const VerbTable kTopVerb = {
    .description =
        "Shows jobs on the whole terminal, live: their rates, how busy they are, how far behind, how large. Enter "
        "opens a "
        "job, then a stage; c, e and l show checkpoints, events and logs of a job, s makes a savepoint, x stops it, r "
        "restarts it from a savepoint; < and > put rows in order of a column, ? lists all keys, q leaves. Stopping and "
        "restarting ask first.\n\n"
        "IN and OUT are records a second: of a job those that come into its sources and go into its sinks. BUSY and "
        "FULL "
        "are shares of time in which a process works or waits for room behind it, of several processes the largest: "
        "what "
        "is red holds the others up. TREND is the flow of the last two minutes. A narrow terminal shows the more "
        "telling "
        "columns.\n\n"
        "'stream stats' prints the same numbers once. With --server the jobs of a server are shown, and what keys "
        "order "
        "is done there.",
    .options = kOptions,
    .examples = kExamples,
    .run = run,
};

}  // namespace stream
