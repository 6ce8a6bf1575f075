#include "supervisor/http/operations.h"

#include <sys/random.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "transport/base/check.h"

namespace stream::http {
namespace {

void end_with(OperationRecord& record, const nlohmann::json& told, Microseconds at_us) {
  record.ended_us = at_us;
  record.failed = told.contains("failure-cause") || told.contains("failureCause");
  record.outcome = told.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// The server that was at it has gone: nobody heard what came of it.
void settle(OperationRecord& record) {
  if (record.ended_us != 0 || is_alive(record.server)) return;
  end_with(record,
           {{"failure-cause",
             {{"class", "stream.Unknown"},
              {"stack-trace", "the server ended before this did; the events of the job tell what came of it"},
              {"serialized-throwable", ""}}}},
           std::max<Microseconds>(1, record.begun_us));
}

}  // namespace

std::string new_id() {
  unsigned char bytes[16];
  STREAM_CHECK(::getrandom(bytes, sizeof bytes, 0) == sizeof bytes);
  char text[33];
  for (int i = 0; i < 16; ++i) std::snprintf(text + 2 * i, 3, "%02x", bytes[i]);
  return text;
}

Operations::Operations(const Clock& clock, std::unique_ptr<OperationStore> store, Listener ended)
    : clock_(clock), all_(std::make_shared<All>()) {
  all_->store = std::move(store);
  all_->ended = std::move(ended);
}

// An operation goes on where it cannot be kept: the disk may be full.
void Operations::All::save(const OperationRecord& record, const Clock& clock) {
  if (store == nullptr) return;
  const Status saved = store->save(record, clock.wall_us());
  const std::lock_guard lock(mutex);
  if (!saved.ok() && !told) std::fprintf(stderr, "stream serve: warning: %s\n", saved.what().c_str());
  told = !saved.ok();
}

void Operations::forget_old() {
  const Microseconds now = clock_.monotonic_us();
  std::erase_if(all_->entries, [now](const auto& entry) {
    return entry.second.outcome.over && now - entry.second.ended_us >= kOutcomeKept;
  });
  while (all_->entries.size() >= kOperationsKept) {
    auto oldest = all_->entries.end();
    for (auto at = all_->entries.begin(); at != all_->entries.end(); ++at) {
      if (at->second.outcome.over && (oldest == all_->entries.end() || at->second.ended_us < oldest->second.ended_us))
        oldest = at;
    }
    all_->entries.erase(oldest);  // far fewer run than are kept
  }
}

Result<std::string> Operations::begin(const std::string& what, const std::string& wished, Work work,
                                      const AskedBy& by) {
  OperationRecord record{.id = wished.empty() ? new_id() : wished,
                         .what = what,
                         .name = by.job,
                         .who = by.who,
                         .remote = by.remote,
                         .begun_us = clock_.wall_us(),
                         .server = this_server()};
  std::optional<OperationRecord> kept;
  if (!wished.empty() && all_->store != nullptr) { STREAM_ASSIGN(kept, all_->store->find(wished)); }
  {
    const std::lock_guard lock(all_->mutex);
    forget_old();
    const auto known = all_->entries.find(record.id);
    if (known != all_->entries.end()) kept = known->second.record;
    if (kept && kept->what == what) return record.id;
    if (kept)
      return usage_error("the triggerId '" + record.id + "' is that of another operation; send another, or none");
    if (all_->running >= kOperationsAtOnce) {
      return Status(Code::kInterrupted, std::to_string(kOperationsAtOnce) +
                                            " operations are under way, the most at once; try again when one is over");
    }
    all_->entries[record.id].record = record;
    ++all_->running;
  }
  all_->save(record, clock_);
  std::thread([all = all_, record, work = std::move(work), &clock = clock_]() mutable {
    nlohmann::json told = work();
    end_with(record, told, clock.wall_us());
    all->save(record, clock);
    if (all->ended) all->ended(record);
    const std::lock_guard lock(all->mutex);
    Entry& entry = all->entries[record.id];
    entry.record = record;
    entry.outcome = {true, std::move(told)};
    entry.ended_us = clock.monotonic_us();
    --all->running;
    all->changed.notify_all();
  }).detach();
  return record.id;
}

void Operations::note(const std::string& what, const AskedBy& by, Microseconds begun_us, const nlohmann::json& told) {
  OperationRecord record{.id = new_id(),
                         .what = what,
                         .name = by.job,
                         .who = by.who,
                         .remote = by.remote,
                         .begun_us = begun_us,
                         .server = this_server()};
  end_with(record, told, clock_.wall_us());
  all_->save(record, clock_);
}

std::optional<Operations::Outcome> Operations::look(const std::string& what, const std::string& id) {
  {
    const std::lock_guard lock(all_->mutex);
    forget_old();
    const auto at = all_->entries.find(id);
    if (at != all_->entries.end())
      return at->second.record.what == what ? std::optional(at->second.outcome) : std::nullopt;
  }
  const auto kept = find(id);
  if (!kept.ok() || !*kept || (*kept)->what != what) return std::nullopt;
  return Outcome{(*kept)->ended_us != 0, nlohmann::json::parse((*kept)->outcome, nullptr, false)};
}

Result<std::optional<OperationRecord>> Operations::find(const std::string& id) {
  if (all_->store == nullptr) return std::optional<OperationRecord>();
  STREAM_ASSIGN(auto record, all_->store->find(id));
  if (record) settle(*record);
  return record;
}

Result<std::vector<OperationRecord>> Operations::newest(std::int64_t most) {
  if (all_->store == nullptr) return std::vector<OperationRecord>();
  STREAM_ASSIGN(auto records, all_->store->newest(most));
  for (OperationRecord& record : records) settle(record);
  return records;
}

bool Operations::wait_until_idle(Microseconds patience) {
  std::unique_lock lock(all_->mutex);
  return all_->changed.wait_for(lock, std::chrono::microseconds(patience), [this] { return all_->running == 0; });
}

}  // namespace stream::http
