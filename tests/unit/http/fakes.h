// Jobs that are made up, for handlers.
#pragma once

#include <nlohmann/json.hpp>
#include <set>

#include "supervisor/http/dispatch.h"

namespace stream::http {

class FakeJobs final : public Jobs {
 public:
  FakeJobs() {
    auto plan = std::make_shared<JobPlan>();
    plan->pipeline.name = "live";
    plan->pipeline.stages = {{.name = "made", .run = "generate"}, {.name = "totals", .run = "aggregate"}};
    plan->stages.resize(2);
    plan->stages[1].parallelism = 2;
    plan->order = {0, 1};
    plan->edges = {{.from = 0, .to = 1, .kind = EdgeKind::kHash}};
    plan_ = std::move(plan);
  }

  std::vector<std::string> names() override { return {"live"}; }
  Result<SharedJson> summary(const std::string&) override {
    if (!fault.ok()) return fault;
    return std::make_shared<const Json>(Json{{"job", "live"},
                                             {"leader", {{"host", "there"}, {"http", leader}}},
                                             {"id", std::string(32, 'a')},
                                             {"state", state},
                                             {"supervisor_pid", state == "RUNNING" ? Json(7) : Json()},
                                             {"attempt", 2},
                                             {"submitted_us", 1'000'000},
                                             {"started_us", 2'000'000},
                                             {"ended_us", 5'000'000},
                                             {"reason", "totals.1 was killed"},
                                             {"stages", Json::parse(R"([{"stage": "made", "parallelism": 1},
                                                                        {"stage": "totals", "parallelism": 2}])")}});
  }
  Result<SharedJson> stats(const std::string&) override {
    Json instances = Json::array();
    for (int i = 0; i < 2; ++i) {
      instances.push_back({{"stage", "totals"},
                           {"instance", i},
                           {"records_in", 10 * (i + 1)},
                           {"busy", 0.25},
                           {"backpressured", i == 0 ? 0.05 : 0.6},
                           {"running_us", 900'000},
                           {"idle_us", 300'000},
                           {"backpressured_us", 100'000},
                           {"watermark_us", 4'000'000},
                           {"user_counters", {{"seen", 3}}}});
    }
    return std::make_shared<const Json>(Json{{"job", Json::object()}, {"instances", instances}});
  }
  Result<SharedJson> metrics(const std::string&) override {
    if (state != "RUNNING") return std::make_shared<const Json>(Json::array());
    Json groups = Json::array({{{"scope", "jobmanager.job"}, {"values", {{"numRestarts", 2}}}}});
    for (int i = 0; i < 2; ++i) {
      groups.push_back({{"scope", "taskmanager.job.task"},
                        {"stage", "totals"},
                        {"instance", i},
                        {"values", {{"numRecordsIn", 10 * (i + 1)}, {"busyTimeMsPerSecond", 250}}}});
      groups.push_back({{"scope", "taskmanager.job.task.operator"},
                        {"stage", "totals"},
                        {"instance", i},
                        {"values", {{"seen", 3}}}});
    }
    return std::make_shared<const Json>(std::move(groups));
  }
  Result<SharedJson> list(const std::string&, const std::string& what) override {
    const bool checkpoints = what == "checkpoints" || what == "checkpoint-history";
    return std::make_shared<const Json>(Json::parse(what == "events"              ? kEvents
                                                    : checkpoints                 ? kCheckpoints
                                                    : what == "checkpoint-counts" ? kCounts
                                                    : what == "attempts"          ? kAttempts
                                                                                  : kSavepoints));
  }
  std::map<std::int64_t, std::string> kept_checkpoints(const std::string&) override { return {{1, "/kept/1"}}; }
  Result<SharedPlan> plan(const std::string&) override { return plan_; }
  Result<Json> news(const std::string&, Microseconds, bool) override { return Json{{"summary", **summary("live")}}; }
  std::string stored_mark(const std::string&) override { return state == "RUNNING" ? "" : "1"; }
  void forget(const std::string& job) override {
    const std::lock_guard lock(mutex_);
    forgotten_.push_back(job);
  }
  std::vector<std::string> forgotten() {
    const std::lock_guard lock(mutex_);
    return forgotten_;
  }
  std::string log_folder(const std::string&) override { return "/nowhere"; }
  Result<std::vector<HistoryColumn>> history_columns(const std::string&) override {
    return std::vector<HistoryColumn>{{"numRestarts"}, {"stateSize", "totals"}, {"stateSize", "totals", 1}};
  }
  Result<std::vector<HistorySeries>> history(const std::string&, const HistoryWish& wish) override {
    std::vector<HistorySeries> out;
    const std::vector<HistoryColumn> columns = *history_columns("");
    for (const HistoryColumn& column : columns) {
      if (wish.wants(column)) out.push_back({column, {{wish.from_ms, 1.23456789}}});
    }
    return out;
  }
  std::map<std::string, std::string> logs(const std::string&) override { return {}; }

  std::string state = "RUNNING";
  std::string leader = {};  // the URL of who leads, where `state` is STANDBY
  Status fault;

 private:
  static constexpr const char* kEvents =
      R"([{"at_us": 1, "kind": "started", "text": "a new run"},
          {"at_us": 3000000, "kind": "failed", "text": "totals.1 was killed by SIGKILL"}])";
  static constexpr const char* kCheckpoints =
      R"([{"epoch": 3, "status": "triggered", "triggered_us": 9000000, "ended_us": 0, "bytes": 0, "duration_us": -9000000,
           "detail": {}},
          {"epoch": 2, "status": "committed", "triggered_us": 6000000, "ended_us": 6020000, "bytes": 300,
           "duration_us": 20000, "detail": [
             {"instance": "made.0", "start_delay_us": 0, "alignment_us": 0, "sync_us": 0, "async_us": 0, "bytes": 100},
             {"instance": "totals.1", "start_delay_us": 1000, "alignment_us": 2000, "sync_us": 3000, "async_us": 4000,
              "bytes": 200}]},
          {"epoch": 1, "status": "aborted", "triggered_us": 4000000, "ended_us": 5000000, "bytes": 0,
           "duration_us": 1000000, "detail": {"reason": "the disk is full", "waiting_for": "totals.0"}}])";
  static constexpr const char* kCounts = R"([{"completed": 4000, "failed": 7, "restored": 1,
      "bytes": {"number": 4000, "min": 3, "max": 900, "avg": 41.6, "p50": 40, "p90": 50, "p95": 60, "p99": 70, "p999": 80},
      "duration_us": {"number": 4000, "min": 1000, "max": 90000, "avg": 2500, "p50": 2000, "p90": 5000, "p95": 6000,
                      "p99": 20000, "p999": 80500}}])";
  static constexpr const char* kAttempts =
      R"([{"attempt": 2, "run": "", "started_us": 3100000, "running_us": 3200000, "ended_us": 0, "outcome": "",
           "restored": {"epoch": 1, "savepoint": ""}, "instances": []},
          {"attempt": 1, "run": "", "started_us": 1100000, "running_us": 1200000, "ended_us": 3000000,
           "outcome": "failed", "instances": [{"stage": "totals", "instance": 1, "started_us": 1150000,
                                               "records_in": 5, "running_us": 700000}]}])";
  static constexpr const char* kSavepoints =
      R"([{"epoch": 2, "path": "/somewhere/2.tar.zst", "label": ""}, {"epoch": 2, "path": "/somewhere/2"},
           {"epoch": 4, "path": "/somewhere/4", "label": "sale"}])";
  SharedPlan plan_;
  std::mutex mutex_;
  std::vector<std::string> forgotten_;
};

class FakeStreams final : public Streams {
 public:
  Result<TakeOver> listen(StreamWish wish) override {
    if (!fault.ok()) return fault;
    wished = std::move(wish);
    return TakeOver([](std::unique_ptr<OpenEnd>) {});
  }

  Result<TakeOver> tap(const std::string&, const TapWish& wish) override {
    if (!fault.ok()) return fault;
    tapped = wish;
    return TakeOver([](std::unique_ptr<OpenEnd>) {});
  }

  Result<TakeOver> download(const SavepointWish& wish) override {
    if (!fault.ok()) return fault;
    downloaded = wish;
    return TakeOver([](std::unique_ptr<OpenEnd>) {});
  }

  StreamWish wished;
  TapWish tapped;
  SavepointWish downloaded;
  Status fault;
};

class FakeChanges final : public Changes {
 public:
  Result<std::string> savepoint(const std::string& job, const std::string& to) override {
    note("savepoint " + job + " " + to);
    if (!fault.ok()) return fault;
    return std::string("/made");
  }
  Result<std::string> stop(const std::string& job, const std::string& to, bool drain) override {
    note("stop " + job + " " + to + (drain ? " drained" : ""));
    return std::string("/last");
  }
  Result<std::uint64_t> checkpoint(const std::string& job) override {
    note("checkpoint " + job);
    return std::uint64_t{7};
  }
  Status cancel(const std::string& job) override {
    note("cancel " + job);
    return {};
  }
  Status rescale(const std::string& job, const std::map<std::string, WantedInstances>& wanted) override {
    for (const auto& [stage, number] : wanted)
      note("rescale " + job + " " + stage + " " + (number.least == 0 ? "" : std::to_string(number.least) + "..") +
           std::to_string(number.most));
    return {};
  }
  Status dispose(const std::string& path) override {
    note("dispose " + path);
    return {};
  }
  Status resume(const std::string& job) override {
    note("resume " + job);
    return {};
  }
  std::optional<SharedJob> in_common(const std::string& wanted) override {
    return shared && (wanted == shared->name || wanted == shared->id) ? shared : std::nullopt;
  }
  Result<std::vector<std::string>> submit(const Submission& submission) override {
    std::string what = "submit " + submission.text;
    if (!submission.name.empty()) what += " as " + submission.name;
    for (const auto& [name, value] : submission.parameters) what += " " + name + "=" + value;
    if (!submission.from.empty()) what += " from " + submission.from + (submission.drop_state ? " dropping" : "");
    note(std::move(what));
    if (!fault.ok()) return fault;
    return std::vector<std::string>{"live"};
  }
  Status validate(const Submission&) override { return fault; }
  Status check_upgrade(const std::string&, const Submission&) override { return fault; }
  Result<Json> upgrade(const std::string& job, const Submission& submission, const UpgradeOptions& options) override {
    note("upgrade " + job + " " + submission.text + " as " + submission.name + " trial " + options.trial);
    return Json{{"upgraded", upgrades}, {"path", "/before"}, {"epoch", 8}, {"reason", upgrades ? "" : "it failed"}};
  }
  Result<Json> state_tables(const std::string&) override { return Json::parse(R"([{"table": "totals"}])"); }
  Result<Json> query_state(const std::string&, const StateQuestion& question) override {
    note("query " + question.sql + (question.live ? " live" : "") + " " + std::to_string(question.limit));
    if (!fault.ok()) return fault;
    return Json::parse(
        R"({"columns": [{"name": "k", "type": "BIGINT"}, {"name": "x", "type": ""}], "checkpoint": 7,
            "created_us": 4000000, "rows": [[1, null], [2, "b"], [3, "c"]]})");
  }
  Status check_place(const std::string& path) override {
    return path == "/allowed" ? Status() : usage_error("not there");
  }

  std::vector<std::string> made() {
    const std::lock_guard lock(mutex_);
    return made_;
  }

  void forget() {
    const std::lock_guard lock(mutex_);
    made_.clear();
  }

  std::optional<SharedJob> shared;
  Status fault;
  bool upgrades = true;

 private:
  void note(std::string what) {
    const std::lock_guard lock(mutex_);
    made_.push_back(std::move(what));
  }
  std::mutex mutex_;
  std::vector<std::string> made_;
};

}  // namespace stream::http
