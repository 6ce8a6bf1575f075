// Feed: what happens to jobs, told to all who listen. A job is looked at a few times a second, however many do, and
// only while somebody does; a supervisor that does not answer delays nothing but what is told of its own job.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "supervisor/http/jobs.h"
#include "supervisor/http/log_tail.h"
#include "supervisor/http/pipes.h"
#include "supervisor/http/streams.h"

namespace stream::http {

class Feed {
 public:
  // Both must outlive this.
  Feed(Jobs& jobs, Pipes& pipes);
  ~Feed();
  Feed(const Feed&) = delete;

  // Errors: kInterrupted where too many listen, kNotFound for a job that is not there.
  Result<TakeOver> listen(StreamWish wish);

 private:
  struct Listener {
    std::uint64_t number = 0;
    StreamWish wish;
    std::shared_ptr<Pipe> pipe;
    std::map<std::string, Microseconds> told = {};  // by job: what happened until then, wall clock
    Microseconds id = 0;                            // that was said last
    Microseconds id_said_us = 0;                    // when, monotonic
    bool hears(const std::string& job) const;
  };
  // A job that somebody listens to.
  struct Watched {
    bool busy = false;  // a thread looks at it
    Microseconds due = 0;
    Microseconds stats_due = 0;
    std::string id;
    std::string mark;             // of its store, when it was last read
    std::string summary;          // as it was last told
    std::optional<LogTail> log;   // while somebody wants it
    std::set<std::uint64_t> met;  // listeners who know the state it is in
  };
  struct Round;  // one look at a job

  // Called with the lock; those that are given it let go of it meanwhile.
  void run();
  void turn(std::unique_lock<std::mutex>& lock);
  void add(StreamWish wish, std::unique_ptr<OpenEnd> end);
  void find_jobs(std::unique_lock<std::mutex>& lock);
  void look_at(const std::string& job, Watched& watched, std::unique_lock<std::mutex>& lock);
  Round plan_round(const std::string& job, Watched& watched, Microseconds now);
  void read(const std::string& job, Watched& watched, Round& round);
  void take_news(const std::string& job, const std::string& id, const Json& news, Round& round);
  void tell(Listener& listener, const std::string& job, Watched& watched, const Round& round);
  void say_id(Listener& listener, bool told);
  void tell_of_end(const std::string& job, const Watched& watched);
  void forget_gone();

  Jobs& jobs_;
  Pipes& pipes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  bool finding_ = false;
  Microseconds find_due_ = 0;
  Microseconds found_us_ = 0;  // wall: jobs that were there then are known
  std::uint64_t number_ = 0;
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::map<std::string, Watched> watched_;
  std::vector<std::thread> threads_;
};

}  // namespace stream::http
