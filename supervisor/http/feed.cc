#include "supervisor/http/feed.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "supervisor/http/checkpoint_history.h"
#include "supervisor/http/facts.h"
#include "transport/base/text.h"

namespace stream::http {
namespace {

constexpr std::size_t kThreads = 4;
constexpr Microseconds kLookEvery = 250'000;
constexpr Microseconds kLookShare = 2'000;  // … for each job, where there are many
constexpr Microseconds kStatsEvery = 1'000'000;
constexpr Microseconds kFindEvery = 500'000;
constexpr Microseconds kIdEvery = 5'000'000;  // also where nothing was told

std::string dump(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

// {"job": ID, "name": NAME, "value": …}; the value is JSON already.
Frame frame_of(Topic topic, const std::string& id, const std::string& name, const std::string& value,
               const char* key = "value") {
  return event_frame(to_string(topic),
                     R"({"job":)" + dump(id) + R"(,"name":)" + dump(name) + ",\"" + key + "\":" + value + "}");
}

}  // namespace

struct Feed::Round {
  struct Item {
    Microseconds at_us = 0;
    Frame frame;
  };
  struct LogItem {
    LogLine line;
    Frame frame;
  };

  // What is to be read.
  Microseconds began_us = 0;  // wall
  Microseconds since_us = 0;
  bool stats = false;
  bool log = false;
  bool anew = false;  // somebody knows nothing yet
  // What was.
  bool known = false;        // nothing is missing …
  Microseconds told_us = 0;  // … until then, wall
  std::string summary;
  Frame summary_frame;
  Frame stats_frame;
  std::vector<Item> events;
  std::vector<Item> checkpoints;
  std::vector<LogItem> lines;
  Frame skipped;
};

bool Feed::Listener::hears(const std::string& job) const {
  return wish.jobs.empty() || std::ranges::find(wish.jobs, job) != wish.jobs.end();
}

Feed::Feed(Jobs& jobs, Pipes& pipes) : jobs_(jobs), pipes_(pipes) {
  for (std::size_t i = 0; i < kThreads; ++i) threads_.emplace_back([this] { run(); });
}

Feed::~Feed() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

Result<TakeOver> Feed::listen(StreamWish wish) {
  STREAM_TRY(pipes_.check_room());
  const std::vector<std::string> names = wish.jobs.empty() ? std::vector<std::string>() : jobs_.names();
  for (std::string& wanted : wish.jobs) {
    const auto named = [&](const std::string& name) {
      if (name == wanted) return true;
      const auto summary = jobs_.summary(name);
      return summary.ok() && text_of(**summary, "id") == wanted;
    };
    const auto at = std::ranges::find_if(names, named);
    if (at == names.end())
      return Status(Code::kNotFound,
                    "there is no job '" + wanted + "'" + did_you_mean(wanted, names) + "; /jobs lists all");
    wanted = *at;
  }
  return TakeOver([this, wish = std::move(wish)](std::unique_ptr<OpenEnd> end) { add(wish, std::move(end)); });
}

void Feed::add(StreamWish wish, std::unique_ptr<OpenEnd> end) {
  if (wish.after == 0) wish.after = system_clock().wall_us();
  {
    const std::lock_guard lock(mutex_);
    auto listener = std::make_shared<Listener>();
    listener->number = ++number_;
    listener->wish = std::move(wish);
    listener->pipe = pipes_.add(std::move(end));
    listeners_.push_back(std::move(listener));
    find_due_ = 0;
    for (auto& [job, watched] : watched_) watched.due = 0;
  }
  changed_.notify_all();
}

void Feed::run() {
  std::unique_lock lock(mutex_);
  while (!over_) turn(lock);
}

void Feed::turn(std::unique_lock<std::mutex>& lock) {
  if (listeners_.empty()) {
    std::erase_if(watched_, [](const auto& entry) { return !entry.second.busy; });
    changed_.wait(lock, [this] { return over_ || !listeners_.empty(); });
    return;
  }
  const Microseconds now = system_clock().monotonic_us();
  if (!finding_ && now >= find_due_) return find_jobs(lock);
  std::map<std::string, Watched>::value_type* next = nullptr;
  for (auto& entry : watched_) {
    if (!entry.second.busy && (next == nullptr || entry.second.due < next->second.due)) next = &entry;
  }
  if (next != nullptr && next->second.due <= now) return look_at(next->first, next->second, lock);
  Microseconds until = finding_ ? now + kFindEvery : find_due_;
  if (next != nullptr) until = std::min(until, next->second.due);
  changed_.wait_for(lock, std::chrono::microseconds(until - now));
}

void Feed::find_jobs(std::unique_lock<std::mutex>& lock) {
  finding_ = true;
  const Microseconds began = system_clock().wall_us();
  lock.unlock();
  const std::vector<std::string> names = jobs_.names();
  lock.lock();
  finding_ = false;
  find_due_ = system_clock().monotonic_us() + kFindEvery;
  forget_gone();
  for (const std::string& name : names) {
    if (std::ranges::any_of(listeners_, [&](const auto& listener) { return listener->hears(name); }))
      watched_.try_emplace(name);
  }
  std::erase_if(watched_, [&](const auto& entry) {
    const bool gone = !entry.second.busy && !std::ranges::binary_search(names, entry.first);
    if (gone) tell_of_end(entry.first, entry.second);
    return gone;
  });
  found_us_ = began;
}

// Its folder is no more.
void Feed::tell_of_end(const std::string& job, const Watched& watched) {
  const Frame frame = frame_of(Topic::kJobs, watched.id, job, "null");
  for (const auto& listener : listeners_) {
    listener->told.erase(job);
    if (listener->wish.wants(Topic::kJobs) && watched.met.contains(listener->number)) listener->pipe->push(frame);
  }
}

void Feed::forget_gone() {
  std::erase_if(listeners_, [this](const std::shared_ptr<Listener>& listener) {
    if (!listener->pipe->gone()) return false;
    for (auto& [job, watched] : watched_) watched.met.erase(listener->number);
    return true;
  });
  std::erase_if(watched_, [this](const auto& entry) {
    return !entry.second.busy &&
           std::ranges::none_of(listeners_, [&](const auto& listener) { return listener->hears(entry.first); });
  });
}

void Feed::look_at(const std::string& job, Watched& watched, std::unique_lock<std::mutex>& lock) {
  Round round = plan_round(job, watched, system_clock().monotonic_us());
  watched.busy = true;
  lock.unlock();
  read(job, watched, round);
  lock.lock();
  watched.busy = false;
  for (const auto& listener : listeners_) {
    // Whoever came meanwhile is told in the next round.
    if (listener->told.contains(job)) tell(*listener, job, watched, round);
  }
  if (round.summary_frame) watched.summary = round.summary;
  const auto every = std::max(kLookEvery, kLookShare * static_cast<Microseconds>(watched_.size()));
  watched.due = system_clock().monotonic_us() + every;
}

Feed::Round Feed::plan_round(const std::string& job, Watched& watched, Microseconds now) {
  Round round;
  round.began_us = system_clock().wall_us();
  round.since_us = round.began_us;
  for (const auto& listener : listeners_) {
    if (!listener->hears(job)) continue;
    const Microseconds told = listener->told.try_emplace(job, listener->wish.after).first->second;
    round.since_us = std::min(round.since_us, told);
    round.anew = round.anew || !watched.met.contains(listener->number);
    round.stats = round.stats || listener->wish.wants(Topic::kStats);
    round.log = round.log || listener->wish.wants(Topic::kLogs);
  }
  round.stats = round.stats && now >= watched.stats_due;
  if (round.stats) watched.stats_due = now + kStatsEvery - kLookEvery / 2;
  return round;
}

// Without the lock: nobody else looks at a job that is busy.
void Feed::read(const std::string& job, Watched& watched, Round& round) {
  const std::string mark = jobs_.stored_mark(job);
  round.known = !mark.empty() && mark == watched.mark && !round.anew;
  round.told_us = round.began_us;
  if (!round.known) {
    const auto news = jobs_.news(job, round.since_us, round.stats);
    round.known = news.ok();
    if (news.ok()) {
      watched.mark = mark;
      watched.id = text_of((*news)["summary"], "id");
      take_news(job, watched.id, *news, round);
    }
  }
  if (!round.log) return watched.log.reset();
  if (!watched.log) watched.log.emplace(jobs_.log_folder(job));
  const LogTail::Look look = watched.log->look();
  if (look.skipped > 0)
    round.skipped = frame_of(Topic::kLogs, watched.id, job, std::to_string(look.skipped), "skipped_bytes");
  for (const std::string& text : look.lines) {
    auto line = log_line_from_json(text);
    if (line) round.lines.push_back({*std::move(line), frame_of(Topic::kLogs, watched.id, job, text)});
  }
}

void Feed::take_news(const std::string& job, const std::string& id, const Json& news, Round& round) {
  round.summary = dump(news["summary"]);
  round.summary_frame = frame_of(Topic::kJobs, id, job, round.summary);
  if (const auto stats = news.find("stats"); stats != news.end())
    round.stats_frame = frame_of(Topic::kStats, id, job, dump(*stats));
  for (const Json& event : news.value("events", Json::array()))
    round.events.push_back({number_of(event, "at_us"), frame_of(Topic::kEvents, id, job, dump(event))});
  const Json checkpoints = news.value("checkpoints", Json::array());
  const auto shown = checkpoints.empty() ? Result<Json>(Json::array()) : in_history(jobs_, job, checkpoints);
  round.known = shown.ok();
  for (std::size_t i = 0; shown.ok() && i < checkpoints.size(); ++i) {
    round.checkpoints.push_back(
        {number_of(checkpoints[i], "ended_us"), frame_of(Topic::kCheckpoints, id, job, dump((*shown)[i]))});
  }
  for (const auto* items : {&round.events, &round.checkpoints}) {
    for (const Round::Item& item : *items) round.told_us = std::max(round.told_us, item.at_us);
  }
}

void Feed::tell(Listener& listener, const std::string& job, Watched& watched, const Round& round) {
  bool told = false;
  const auto push = [&](const Frame& frame) {
    listener.pipe->push(frame);
    told = true;
  };
  if (round.skipped && listener.wish.wants(Topic::kLogs)) push(round.skipped);
  for (const Round::LogItem& item : round.lines) {
    if (listener.wish.wants(Topic::kLogs) && listener.wish.logs.passes(item.line)) push(item.frame);
  }
  if (!round.known) return;
  const bool first = watched.met.insert(listener.number).second;
  if (listener.wish.wants(Topic::kJobs) && round.summary_frame && (first || round.summary != watched.summary))
    push(round.summary_frame);
  if (listener.wish.wants(Topic::kStats) && round.stats_frame) push(round.stats_frame);
  Microseconds& until = listener.told[job];
  const auto push_new = [&](Topic topic, const std::vector<Round::Item>& items) {
    for (const Round::Item& item : items) {
      if (listener.wish.wants(topic) && item.at_us > until) push(item.frame);
    }
  };
  push_new(Topic::kEvents, round.events);
  push_new(Topic::kCheckpoints, round.checkpoints);
  // What the answer holds is all there was by then, also what came while it was waited for.
  until = round.told_us;
  say_id(listener, told);
}

// Everything that happened before it was told: whoever comes again with it misses nothing, and may hear something
// twice.
void Feed::say_id(Listener& listener, bool told) {
  const Microseconds now = system_clock().monotonic_us();
  if (!told && now - listener.id_said_us < kIdEvery) return;
  Microseconds id = found_us_;
  for (const auto& [job, until] : listener.told) id = std::min(id, until);
  if (id <= listener.id) return;
  listener.id = id;
  listener.id_said_us = now;
  listener.pipe->push(id_frame(id_of_time(id)));
}

}  // namespace stream::http
