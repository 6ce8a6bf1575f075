#include "stages/exec/runner.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::size_t kReadSize = 256 * 1024;
constexpr int kReadsAtOnce = 16;  // then others get their turn
constexpr std::size_t kLineMax = 16 << 20;
constexpr int kNotFound = 127;

std::size_t end_of_lines(std::string_view bytes, std::size_t lines) {
  std::size_t at = 0;
  for (; lines > 0; --lines) at = bytes.find('\n', at) + 1;
  return at;
}

}  // namespace

Result<std::unique_ptr<Runner>> Runner::make(Setup setup, Answers& answers, ErrorLines& errors, const Clock& clock) {
  std::unique_ptr<Runner> runner(new Runner(std::move(setup), answers, errors, clock));
  runner->epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  runner->timer_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN;
  if (runner->epoll_ < 0 || runner->timer_ < 0 ||
      ::epoll_ctl(runner->epoll_, EPOLL_CTL_ADD, runner->timer_, &event) != 0) {
    return system_error("make", "a timer", errno);
  }
  return runner;
}

Runner::Runner(Setup setup, Answers& answers, ErrorLines& errors, const Clock& clock)
    : setup_(std::move(setup)),
      answers_(answers),
      errors_(errors),
      clock_(clock),
      exchange_(setup_.mode),
      attempts_(setup_.attempts) {}

Runner::~Runner() {
  child_.reset();
  if (timer_ >= 0) ::close(timer_);
  if (epoll_ >= 0) ::close(epoll_);
}

Status Runner::give(Lot lot) {
  lot_ = std::move(lot);
  open_exchange();
  return step();
}

void Runner::open_exchange() {
  exchange_.begin(lot_.rows);
  to_write_ = lot_.bytes + exchange_.last_line();
  written_ = 0;
  progress_at_ = clock_.monotonic_us();
}

Status Runner::step() {
  std::uint64_t expirations = 0;
  if (::read(timer_, &expirations, sizeof expirations) < 0 && errno != EAGAIN) {
    return system_error("read", "a timer", errno);
  }
  if (restart_at_ && clock_.monotonic_us() < *restart_at_) return {};
  if (!child_ && exchange_.open()) STREAM_TRY(start());
  if (!child_) return {};
  STREAM_TRY(write());
  STREAM_TRY(read());
  if (finishing_ && !exchange_.open()) child_->close_input();
  if (const auto status = child_->ended()) return on_ended(*status);
  if (child_->output_ended() && setup_.mode != ExecMode::kBatch && !finishing_) { return retry("closed its output"); }
  return on_silence();
}

Status Runner::start() {
  if (restart_at_) open_exchange();
  restart_at_.reset();
  errors_.forget();
  output_.clear();
  scanned_ = 0;
  STREAM_TRY(answers_.begin());
  STREAM_ASSIGN(child_, Child::start(setup_.command, epoll_));
  progress_at_ = clock_.monotonic_us();
  return {};
}

Status Runner::write() {
  while (written_ < to_write_.size()) {
    STREAM_ASSIGN(const std::size_t n, child_->write(std::string_view(to_write_).substr(written_)));
    if (n == 0) break;
    written_ += n;
    progress_at_ = clock_.monotonic_us();
  }
  child_->want_room(written_ < to_write_.size());
  child_->drop_closed_input();
  if (setup_.mode == ExecMode::kBatch && written_ == to_write_.size()) child_->close_input();
  return {};
}

Status Runner::read() {
  for (int i = 0; i < kReadsAtOnce; ++i) {
    STREAM_ASSIGN(const bool some, read_some());
    if (!some) break;
    progress_at_ = clock_.monotonic_us();
  }
  return {};
}

Result<bool> Runner::read_some() {
  char text[4096];
  STREAM_ASSIGN(const std::size_t said, child_->read_errors(text, sizeof text));
  errors_.add({text, said});
  STREAM_ASSIGN(const std::size_t got, child_->read_output(output_.space(kReadSize), kReadSize));
  output_.filled(got);
  if (got > 0) STREAM_TRY(setup_.mode == ExecMode::kBatch ? take_batch(false) : take_lines());
  return said + got > 0;
}

Status Runner::take_batch(bool last) {
  auto taken = answers_.take(output_.bytes(), last);
  if (!taken.ok()) return fault(taken.status().what());
  output_.consume(*taken);
  return {};
}

// Answers go to the decoder in runs; a line that means something else ends one.
Status Runner::take_lines() {
  const std::string_view bytes = output_.bytes();
  std::size_t run = 0;
  std::size_t at = 0;
  for (std::size_t end = bytes.find('\n', scanned_); end != std::string_view::npos; end = bytes.find('\n', at)) {
    const Exchange::Meaning meaning = exchange_.on_line(bytes.substr(at, end - at));
    if (const std::string_view what = fault_of(meaning); !what.empty()) return fault(what);
    const std::size_t run_end = meaning == Exchange::Meaning::kEcho ? at : end + 1;
    at = end + 1;
    if (!exchange_.answered()) continue;
    STREAM_TRY(take_run(bytes.substr(run, run_end - run)));
    complete();
    run = at;
  }
  STREAM_TRY(take_run(bytes.substr(run, at - run)));
  if (!exchange_.open()) answers_.accept();
  output_.consume(at);
  scanned_ = bytes.size() - at;
  return scanned_ > kLineMax ? fault("it wrote a line of more than " + format_size(kLineMax)) : Status();
}

Status Runner::take_run(std::string_view lines) {
  if (lines.empty()) return {};
  auto taken = answers_.take(lines, false);
  return taken.ok() ? Status() : fault(taken.status().what());
}

void Runner::complete() {
  answers_.accept();
  exchange_.close();
  attempts_.progressed();
  answered_ += lot_.rows;
  lot_ = {};
}

Status Runner::on_ended(int status) {
  for (bool some = true; some;) { STREAM_ASSIGN(some, read_some()); }
  if (setup_.mode == ExecMode::kBatch && !child_->output_ended())
    return on_silence();  // a child of its own still writes
  errors_.finish();
  const bool good = status == 0;
  if (good && setup_.mode == ExecMode::kBatch) {
    STREAM_TRY(take_batch(true));
    complete();
  } else if (good && finishing_ && idle() && scanned_ > 0) {
    output_.append("\n");
    STREAM_TRY(take_lines());
  }
  if (exchange_.open()) return retry(describe_end(status), WIFEXITED(status) ? WEXITSTATUS(status) : 0);
  child_.reset();
  if (good || !finishing_) return {};
  return failed(
      with_last_words("command '" + setup_.name + "' failed at the end of its input: " + describe_end(status)));
}

// Nothing is heard of the program: it may think, but not for ever.
Status Runner::on_silence() {
  if (!exchange_.open() && !finishing_) return {};
  const Microseconds left = progress_at_ + setup_.timeout - clock_.monotonic_us();
  if (left > 0) return wake_in(left);
  const std::string silent = "neither read nor wrote for " + format_duration(setup_.timeout);
  child_->kill();
  if (setup_.mode == ExecMode::kBatch || !exchange_.open()) return retry(silent);
  return retry(silent +
               "; a program that keeps running must write each answer at once, as with sed -u, jq --unbuffered, "
               "python3 -u or stdbuf -oL");
}

Status Runner::retry(const std::string& why, int exit_code) {
  const std::string last = with_last_words(why);
  child_->kill();
  child_.reset();
  const std::size_t kept = exchange_.kept();
  if (kept > 0) {
    answers_.accept();
    attempts_.progressed();
    lot_.bytes.erase(0, end_of_lines(lot_.bytes, kept));
    lot_.rows -= kept;
    answered_ += kept;
  } else {
    answers_.drop();
  }
  const std::string command = "command '" + setup_.name + "' ";
  if (exit_code == kNotFound) return usage_error(command + "cannot be run: " + last);
  const auto delay = attempts_.failed();
  if (!delay) {
    return failed(command + "failed " + std::to_string(attempts_.in_a_row()) +
                  " times in a row on the same rows, at last: " + last);
  }
  restart_at_ = clock_.monotonic_us() + *delay;
  return wake_in(*delay);
}

Status Runner::wake_in(Microseconds after) const {
  itimerspec when{};
  when.it_value.tv_sec = after / 1'000'000;
  when.it_value.tv_nsec = after % 1'000'000 * 1000 + 1;
  return ::timerfd_settime(timer_, 0, &when, nullptr) == 0 ? Status() : system_error("set", "a timer", errno);
}

// Another attempt would end the same way.
Status Runner::fault(std::string_view what) const {
  return usage_error("command '" + setup_.name + "': " + std::string(what));
}

std::string Runner::with_last_words(const std::string& why) const {
  const std::string last = errors_.last();
  return last.empty() ? why : why + ": " + last;
}

}  // namespace stream
