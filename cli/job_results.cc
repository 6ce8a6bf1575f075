#include "cli/job_results.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/compare_pipeline.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::string_view kTablePart = "table ";  // of AnsweredTarget::part

std::optional<std::size_t> sink_of(const JobPlan& plan, const std::string& name) {
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    if (plan.pipeline.stages[i].name == name && plan.stages[i].role == StageRole::kSink) return i;
  }
  return std::nullopt;
}

Result<ResultForm> form_of_sink(const StageSpec& stage, const AnsweredTarget& target) {
  if (target.part.starts_with(kTablePart)) return ResultForm::kSqlite;
  const auto options = nlohmann::json::parse(stage.options);
  const std::string format = options.value("format", "");
  if (format == "csv") return ResultForm::kCsv;
  if (format == "ndjson") return ResultForm::kNdjson;
  if (format == "avro") return usage_error("Avro is not compared");
  const std::string ending = std::filesystem::path(target.path).extension();
  if (ending == ".avro") return usage_error("Avro is not compared");
  return ending == ".csv" || ending == ".tsv" ? ResultForm::kCsv : ResultForm::kNdjson;
}

// Errors: why it cannot be compared.
Result<ResultPlace> place_of(const JobPlan& plan, std::size_t sink) {
  const StageSpec& stage = plan.pipeline.stages[sink];
  const StageAnswer& answer = plan.stages[sink].answer;
  if (answer.writes.size() != 1) return usage_error("'" + stage.run + "' writes to no file that could be compared");
  const AnsweredTarget& target = answer.writes[0];
  STREAM_ASSIGN(const ResultForm form, form_of_sink(stage, target));
  std::error_code error;
  if (!std::filesystem::exists(target.path, error)) return usage_error("'" + target.path + "' is not there");
  ResultPlace place{.path = target.path, .form = form};
  if (form == ResultForm::kSqlite) place.table = target.part.substr(kTablePart.size());
  place.growing = form != ResultForm::kSqlite && !target.folder;
  return place;
}

class Pairing {
 public:
  Pairing(const std::array<JobPlan, 2>& plans, const CompareSettings& settings) : plans_(plans), settings_(settings) {}

  Result<JobResults> run() {
    for (const Side side : kSides) {
      const JobPlan& plan = plans_[index_of(side)];
      for (std::size_t i = 0; i < plan.stages.size(); ++i) {
        const std::string& name = plan.pipeline.stages[i].name;
        if (plan.stages[i].role != StageRole::kSink) continue;
        sinks_.push_back(name);
        if (!settings_.stage.empty() && settings_.stage != name) continue;
        const auto other = sink_of(plans_[1 - index_of(side)], name);
        if (!other)
          results_.missing.push_back({name, std::string("this sink is only in ") + name_of(side)});
        else if (side == Side::kA)
          pair(name, {i, *other});
      }
    }
    if (!settings_.stage.empty() && std::ranges::find(sinks_, settings_.stage) == sinks_.end())
      return usage_error("there is no sink '" + settings_.stage + "'" + did_you_mean(settings_.stage, sinks_));
    STREAM_TRY(check_columns(planned_, settings_.diff));
    return std::move(results_);
  }

 private:
  void pair(const std::string& name, const std::array<std::size_t, 2>& sinks) {
    std::array<CaughtRows, 2> rows;
    std::array<ResultPlace, 2> places;
    for (const Side side : kSides) {
      const std::size_t i = index_of(side);
      auto place = place_of(plans_[i], sinks[i]);
      if (!place.ok()) {
        results_.missing.push_back({name, std::string(name_of(side)) + ": " + place.status().what()});
        return;
      }
      places[i] = *std::move(place);
      rows[i] = caught_rows(plans_[i], name, plans_[i].pipeline, name);
    }
    if (places[0].path == places[1].path && places[0].table == places[1].table) {
      results_.missing.push_back({name, "both write to '" + places[0].path + "'"});
      return;
    }
    ResultPair result = pair_of(rows, {}, name, settings_.diff);
    planned_.push_back(result);
    for (std::size_t i = 0; i < 2; ++i) {
      if (places[i].form != ResultForm::kSqlite) places[i].columns = rows[i].columns;
    }
    result.places = std::move(places);
    results_.pairs.push_back(std::move(result));
  }

  const std::array<JobPlan, 2>& plans_;
  const CompareSettings& settings_;
  std::vector<std::string> sinks_;
  JobResults results_;
  std::vector<ResultPair> planned_;  // the same pairs, with the columns that sinks get
};

}  // namespace

Result<JobResults> results_of(const std::array<JobPlan, 2>& plans, const CompareSettings& settings) {
  return Pairing(plans, settings).run();
}

}  // namespace stream
