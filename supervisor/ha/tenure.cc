#include "supervisor/ha/tenure.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

namespace stream::ha {
namespace {

constexpr int kBeatsPerLease = 5;
// A leader gives up before others take over: nothing of it goes on beside them.
Microseconds patience(Microseconds lease) { return lease * 2 / 3; }

constexpr std::string_view kTooLate = "no sign of life could be shown in time";
constexpr std::string_view kDeposed = "another supervisor leads the job now";

}  // namespace

Tenure::Tenure(std::shared_ptr<Coordination> coordination, const Place& place, Term term, std::uint64_t version)
    : coordination_(std::move(coordination)),
      place_(place),
      lost_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      term_(std::move(term)),
      term_version_(version),
      shown_at_(system_clock().monotonic_us()),
      reign_(term_.number, patience(place.lease), shown_at_) {}

Result<std::unique_ptr<Tenure>> Tenure::take(std::shared_ptr<Coordination> coordination, const Place& place,
                                             Candidate self, const Entry& known) {
  STREAM_ASSIGN(Term term, term_of(known.text));
  ++term.number;
  term.leader = std::move(self);
  term.lease_us = place.lease;
  term.ended.reset();  // it goes on: who stands by waits, and who comes does not begin it once more
  STREAM_TRY(coordination->beat(term.number));  // before anybody looks for it
  STREAM_ASSIGN(const auto version, coordination->write(Register::kTerm, known.version, to_text(term)));
  if (!version) return std::unique_ptr<Tenure>();
  std::unique_ptr<Tenure> tenure(new Tenure(std::move(coordination), place, std::move(term), *version));
  STREAM_TRY(tenure->seal());
  tenure->thread_ = std::thread([raw = tenure.get()] { raw->show_life(); });
  return tenure;
}

Tenure::~Tenure() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
    if (!reign_.is_deposed()) (void)coordination_->leave(term_.number);  // whoever waits sees it a lease later
  }
  ::close(lost_fd_);
}

// Each text is unlike any before it: what is found in a register is known to be one's own, or not.
std::string unstamped(const std::string& text) {
  const std::size_t line = text.find('\n');
  return line == std::string::npos ? "" : text.substr(line + 1);
}

std::string Tenure::stamped(const std::string& job) {
  return std::to_string(term_.number) + " " + std::to_string(++job_sequence_) + "\n" + job;
}

// The register of the job is written once more: what the last leader knows of its version holds no longer.
Status Tenure::seal() {
  for (;;) {
    STREAM_ASSIGN(const Entry job, coordination_->read(Register::kJob));
    std::string body = unstamped(job.text);
    STREAM_ASSIGN(const auto version, coordination_->write(Register::kJob, job.version, stamped(body)));
    if (!version) continue;  // it was writing just now; it does not find its term again
    job_version_ = *version;
    inherited_ = std::move(body);
    return {};
  }
}

// A write whose outcome is not known is looked after until it is, or the term is over.
Result<std::uint64_t> Tenure::write_for_certain(Register which, std::uint64_t expected, const std::string& text) {
  for (;;) {
    if (const std::string why = lost(); !why.empty()) return failed(why);
    const auto written = coordination_->write(which, expected, text);
    if (written.ok() && *written) return **written;
    if (!written.ok() && written.status().code() != Code::kSystem) return written.status();
    const auto now = coordination_->read(which);
    if (now.ok() && now->version == expected + 1 && now->text == text) return now->version;
    if (now.ok() && now->version != expected) {
      lose(std::string(kDeposed));
      return failed(std::string(kDeposed));
    }
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, std::chrono::microseconds(place_.lease / kBeatsPerLease), [this] { return !lost_.empty(); });
  }
}

Status Tenure::keep_job(const std::string& job) {
  const std::lock_guard lock(writing_);
  STREAM_ASSIGN(job_version_, write_for_certain(Register::kJob, job_version_, stamped(job)));
  return {};
}

Status Tenure::change(const std::function<void(Term&)>& edit) {
  const std::lock_guard lock(writing_);
  Term next = term_;
  edit(next);
  STREAM_ASSIGN(term_version_, write_for_certain(Register::kTerm, term_version_, to_text(next)));
  term_ = std::move(next);
  return {};
}

Status Tenure::reserve(Epoch below) {
  return change([&](Term& term) { term.reserved = std::max(term.reserved, below.value()); });
}

Status Tenure::begin_run(const std::string& job_id, const std::string& run) {
  return change([&](Term& term) {
    term.job_id = job_id;
    term.deployment = place_.deployment;
    term.run = run;
    term.published = 0;
    term.ended.reset();
  });
}

Status Tenure::publish(const std::string& run, Epoch epoch) {
  return change([&](Term& term) {
    term.deployment = place_.deployment;
    term.run = run;
    term.published = epoch.value();
  });
}

Status Tenure::end(const std::string& state, const std::string& reason) {
  return change([&](Term& term) {
    term.deployment = place_.deployment;
    term.ended = Ended{state, reason, system_clock().wall_us()};
  });
}

// By the time as well: the thread may hang in a place that does not answer. What was lost once stays lost, though the
// place may answer again: a write has been given up meanwhile.
std::string Tenure::lost() const {
  const std::lock_guard lock(mutex_);
  if (!lost_.empty()) return lost_;
  const bool late = system_clock().monotonic_us() - shown_at_ >= patience(place_.lease);
  if (late) lost_ = kTooLate;
  return lost_;
}

void Tenure::lose(const std::string& why) {
  const std::lock_guard lock(mutex_);
  if (!lost_.empty()) return;
  lost_ = why;
  wake_.notify_all();
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(lost_fd_, &one, sizeof one);
}

void Tenure::look_once() {
  const Microseconds began = system_clock().monotonic_us();
  const auto entry = coordination_->read(Register::kTerm);
  Status shown = entry.status();
  if (entry.ok()) {
    const auto known = term_of(entry->text);
    if (known.ok()) reign_.read(*known);
    if (!reign_.is_deposed()) shown = coordination_->beat(reign_.term());
  }
  if (shown.ok() && entry.ok()) {
    reign_.shown(began);
    shown_at_ = began;
  }
  if (reign_.is_deposed()) return lose(std::string(kDeposed));
  if (reign_.over(system_clock().monotonic_us())) {
    lose(std::string(kTooLate) + (shown.ok() ? "" : ": " + shown.what()));
  }
}

void Tenure::show_life() {
  std::unique_lock lock(mutex_);
  while (!over_ && lost_.empty()) {
    lock.unlock();
    look_once();
    lock.lock();
    wake_.wait_for(lock, std::chrono::microseconds(place_.lease / kBeatsPerLease),
                   [this] { return over_ || !lost_.empty(); });
  }
}

}  // namespace stream::ha
