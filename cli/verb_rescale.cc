// The verb that gives stages of a running job another number of instances.
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "supervisor/instance_bounds.h"
#include "supervisor/job_client.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::json;

// "totals=3", "totals=1..8"
Result<json> wish_of(const std::string& text) {
  const std::size_t mark = text.find('=');
  const Status wrong = usage_error("'" + text + "' is not STAGE=N or STAGE=MIN..MAX, such as totals=3 or totals=1..8");
  if (mark == std::string::npos || mark == 0) return wrong;
  if (looks_like_bounds(text.substr(mark))) {
    STREAM_ASSIGN(const InstanceBounds bounds, parse_bounds(text.substr(mark + 1)));
    return json{{"stage", text.substr(0, mark)}, {"min", bounds.least}, {"max", bounds.most}};
  }
  std::uint32_t number = 0;
  const char* begin = text.data() + mark + 1;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, number);
  if (error != std::errc() || stop != end || begin == end) return wrong;
  return json{{"stage", text.substr(0, mark)}, {"parallelism", number}};
}

Result<json> request_of(const std::vector<std::string>& texts) {
  json request = {{"verb", "rescale"}, {"stages", json::array()}};
  for (const std::string& text : texts) {
    STREAM_ASSIGN(json wish, wish_of(text));
    for (const json& other : request["stages"]) {
      if (other["stage"] == wish["stage"])
        return usage_error("stage '" + wish["stage"].get<std::string>() + "' is given twice");
    }
    request["stages"].push_back(std::move(wish));
  }
  return request;
}

// Of a job that nobody runs: what gives it another number of instances.
Status not_running(const JobPaths& job) {
  const auto summary = stored_summary(job);
  const std::string state = summary.ok() ? summary->value("state", "") : "not running";
  if (state == "DEAD") {
    return failed("the supervisor of '" + job.job + "' was killed; 'stream resume " + job.job +
                  "' goes on, with the number of instances that 'stream show " + job.job + "' tells");
  }
  return failed("job '" + job.job + "' is " + state +
                "; start it with another number of instances: 'stream run --set stages.STAGE.parallelism=N'");
}

void print(const JobPaths& job, const json& answer) {
  for (const json& stage : answer["stages"]) {
    std::printf("%s: %u -> %u\n", stage["stage"].get<std::string>().c_str(), stage["from"].get<unsigned>(),
                stage["to"].get<unsigned>());
  }
  for (const json& stage : answer.value("bounds", json::array())) {
    std::printf("%s: %u..%u\n", stage["stage"].get<std::string>().c_str(), stage["min"].get<unsigned>(),
                stage["max"].get<unsigned>());
  }
  if (answer["stages"].empty()) {
    if (answer.contains("bounds")) return;
    return void(std::fprintf(stderr, "%s: has that many instances already\n", job.job.c_str()));
  }
  const auto kept = answer.value("kept_processes", std::uint64_t{0});
  const std::string others =
      answer.contains("all_because")
          ? "all processes were started anew: " + answer["all_because"].get<std::string>()
          : std::to_string(kept) + (kept == 1 ? " other process" : " other processes") + " ran on";
  const auto anew = answer.value("also_anew", std::vector<std::string>());
  const std::string also = anew.empty() ? "" : join(anew, ", ") + " began anew too, ";
  std::fprintf(stderr, "%s: rescaled at checkpoint %s in %s; %s%s\n", job.job.c_str(), answer["epoch"].dump().c_str(),
               format_duration(answer.value("downtime_us", Microseconds{0}) / 1000 * 1000).c_str(), also.c_str(),
               others.c_str());
}

int run_rescale(const VerbValues& values) {
  const auto job = find_job(values.text("job"));
  if (!job.ok()) return fail("rescale", job.status());
  const auto request = request_of(values.list("stages"));
  if (!request.ok()) return fail("rescale", request.status());
  auto answer = ask_job(*job, *request, kNoLimit);
  if (!answer.ok() && answer.status().code() == Code::kPeerGone) return fail("rescale", not_running(*job));
  if (!answer.ok()) return fail("rescale", answer.status());
  answer->erase("ok");
  if (values.flag("json"))
    std::printf("%s\n", answer->dump().c_str());
  else
    print(*job, *answer);
  return kDone;
}

constexpr VerbOption kRescaleOptions[] = {
    {.name = "job",
     .arg = "JOB",
     .doc = "Name or unique id prefix of the job.",
     .kind = ValueKind::kRunningJob,
     .positional = true,
     .required = true},
    {.name = "stages",
     .arg = "STAGE=N",
     .doc = "A stage and the number of instances it shall have, or STAGE=MIN..MAX: bounds within which that changes by "
            "itself, see stream-autoscale(7).",
     .positional = true,
     .required = true,
     .repeated = true},
    json_option("Print JSON: the checkpoint, the time the stages stood still, how many processes ran on, the stages, "
                "and the bounds that were given."),
};

constexpr VerbExample kRescaleExamples[] = {
    {"stream rescale web-errors per-minute=3", "Three processes share the work of one stage from now on."},
    {"stream rescale web-errors per-minute=1 table=1", "Goes back to one each, both at the same checkpoint."},
    {"stream rescale web-errors per-minute=1..4", "From now on it may have from one to four, as many as are needed."},
};

}  // namespace

const VerbTable kRescaleVerb = {
    .description =
        "Gives stages of a running job another number of instances, and returns when they run.\n\n"
        "A checkpoint is taken. At its barrier the stages before those that change hold back what is for them; the old "
        "instances end, the new ones begin with their state, and what was held back goes to them. Stages whose "
        "instances were each fed by one of those instances begin anew with them. All other processes run on. Results "
        "are those of a job that had never changed. How long the stages stood still is told.\n\n"
        "The number is kept: it holds when the job is resumed, or run again as it was submitted; where the pipeline "
        "has been "
        "given yet another number since, that holds. Where something goes "
        "wrong on the way, the job goes on as it was and the reason is told; the change can be asked for again.",
    .options = kRescaleOptions,
    .examples = kRescaleExamples,
    .no = "The job does not run, a stage cannot have that number of instances, or it failed and all is as it was.",
    .run = run_rescale,
};

}  // namespace stream
