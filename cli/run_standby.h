// Running a job for which several supervisors stand ready (supervisor/ha).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "supervisor/ha/candidacy.h"
#include "supervisor/job_runner.h"
#include "supervisor/standby_mark.h"

namespace stream {

class StandbyRun {
 public:
  // `request`: what to begin with if nobody has led the job yet; `place` as --ha has it; `url`: where
  // others reach this supervisor's REST, "" = nowhere; `only_standby`: what nobody has led is not begun. Errors:
  // kUsage, kSystem.
  static Result<std::unique_ptr<StandbyRun>> open(const RunRequest& request, const std::string& place,
                                                  const std::string& url, bool only_standby);

  // Who hears what happens, a line each: that it stands by, that it leads.
  using Say = std::function<void(const std::string&)>;
  struct Over {
    int exit_code = 0;
    std::string why;
  };
  // Stands by until this supervisor leads, and returns what it is to run, or why there is nothing to run. `signals`: a
  // signalfd(2); what comes there ends it. Errors: as of the place, where it cannot go on.
  using Next = std::variant<RunRequest, Over>;
  Result<Next> next(int signals, const Say& say);
  // Called again and again while it stands by.
  void on_turn(std::function<void()> listener) { turn_listener_ = std::move(listener); }
  // What it was to run could not begin: whether to call next() again. Others, where it may be possible, come first
  // then.
  bool rests(const Status& status, const Leadership& leadership);
  // What it was to run has begun.
  void began() { forget_beginning(); }

 private:
  StandbyRun(const RunRequest& request, std::unique_ptr<ha::Candidacy> candidacy);
  bool anew() const;
  Result<ha::Looked> look();
  void forget_beginning();
  Result<Next> take_over(const std::shared_ptr<ha::Tenure>& tenure);
  Status wait_said(StandbyMark& mark, const Say& say);
  static Over over(const ha::Ended& ended, bool begins);

  JobPaths paths_;
  RunRequest first_;
  std::unique_ptr<ha::Candidacy> candidacy_;
  bool begins_ = true;  // nothing has been led or waited for yet
  std::string said_;    // of the leader
  Microseconds rests_until_ = 0;
  std::function<void()> turn_listener_;
};

}  // namespace stream
