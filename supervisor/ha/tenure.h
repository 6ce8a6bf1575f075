// Tenure: what a leader does with its term. Every decision that outlives it is written to the place first; a write that
// is refused means that another leads, and then nothing may be done any more.
//
// A thread of its own shows the sign of life and looks whether another has taken over. Thread-safe.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "supervisor/ha/coordination.h"
#include "supervisor/ha/election.h"
#include "supervisor/ha/leadership.h"

namespace stream::ha {

// What register kJob holds of the job, without the mark of who has written it.
std::string unstamped(const std::string& text);

class Tenure : public Leadership {
 public:
  // Takes the term behind `known`, which stands in version `version` of the register. None: somebody else was faster.
  // Errors: kSystem.
  static Result<std::unique_ptr<Tenure>> take(std::shared_ptr<Coordination> coordination, const Place& place,
                                              Candidate self, const Entry& known);
  ~Tenure() override;

  // The job as the last leader left it; "" = nobody has. Sealed for this term: the last leader can write no more.
  const std::string& inherited() const { return inherited_; }
  const Term& term() const { return term_; }

  // --- Leadership
  std::string place() const override { return "--ha " + place_.identity(); }
  Status keep_job(const std::string& job) override;
  Status reserve(Epoch below) override;
  Status publish(const std::string& run, Epoch epoch) override;
  Status begin_run(const std::string& job_id, const std::string& run) override;
  Status end(const std::string& state, const std::string& reason) override;
  int lost_fd() const override { return lost_fd_; }
  std::string lost() const override;

 private:
  Tenure(std::shared_ptr<Coordination> coordination, const Place& place, Term term, std::uint64_t version);
  Status seal();
  std::string stamped(const std::string& job);
  Status change(const std::function<void(Term&)>& edit);
  Result<std::uint64_t> write_for_certain(Register which, std::uint64_t expected, const std::string& text);
  void show_life();
  void look_once();
  void lose(const std::string& why);

  std::shared_ptr<Coordination> coordination_;
  Place place_;
  int lost_fd_;

  mutable std::mutex writing_;  // of the registers
  Term term_;
  std::uint64_t term_version_;
  std::uint64_t job_version_ = 0;
  std::uint64_t job_sequence_ = 0;  // no text is written twice
  std::string inherited_;

  std::atomic<Microseconds> shown_at_;  // when the last sign of life began to be shown

  mutable std::mutex mutex_;  // of what follows
  std::condition_variable wake_;
  Reign reign_;               // of the thread
  mutable std::string lost_;  // why, and for good; "" = it leads
  bool over_ = false;
  std::thread thread_;
};

}  // namespace stream::ha
