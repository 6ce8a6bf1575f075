// Changes take their time: a request begins one, and is answered an id by which its outcome is asked for.
#include "supervisor/http/begun.h"
#include "supervisor/http/dispatch.h"
#include "supervisor/http/facts.h"
#include "supervisor/http/handlers.h"

namespace stream::http {
namespace {

// What became of something that gives a path.
Json located(const Result<std::string>& path) {
  if (path.ok()) return {{"location", *path}};
  return {{"failure-cause", throwable(path.status().what())}};
}

Json done(const Status& status) {
  return status.ok() ? Json::object() : Json{{"failure-cause", throwable(status.what())}};
}

bool flag_of(const Json& body, const char* name) {
  const auto at = body.find(name);
  return at != body.end() && at->is_boolean() && at->get<bool>();
}

// Flink's clients name the folder that the savepoint is made in.
Result<std::string> place_in(Call& call, const char* field) {
  const std::string folder = text_of(call.body, field);
  if (folder.empty()) return std::string();
  STREAM_TRY(call.changes.check_place(folder));
  return folder + "/savepoint-" + call.job.id.substr(0, 6) + "-" + new_id().substr(0, 12);
}

}  // namespace

AskedBy asked_by(const Call& call) { return {call.request.who, call.request.remote, call.job.name}; }

Answer begun(Call& call, const std::string& what, Operations::Work work, int status) {
  Operations::Work known = [work = std::move(work), &jobs = call.jobs, job = call.job.name] {
    Json told = work();
    jobs.forget(job);
    return told;
  };
  STREAM_HTTP_ASSIGN(const std::string id,
                     call.operations.begin(what, text_of(call.body, "triggerId"), std::move(known), asked_by(call)));
  Answer answer = answer_with({{"request-id", id}}, status);
  answer.begun = id;
  return answer;
}

namespace {

// The same for who is not told its id.
Answer begun_unasked(Call& call, const std::string& what, Operations::Work work, int status) {
  STREAM_HTTP_ASSIGN(const std::string id, call.operations.begin(what, "", std::move(work), asked_by(call)));
  Answer answer = answer_with(Json::object(), status);
  answer.begun = id;
  return answer;
}

}  // namespace

Answer outcome_of(Call& call, std::initializer_list<std::string> kinds) {
  const std::string& id = call.path.find("triggerid")->second;
  for (const std::string& what : kinds) {
    const auto outcome = call.operations.look(what, id);
    if (!outcome) continue;
    if (!outcome->over) return answer_with({{"status", {{"id", "IN_PROGRESS"}}}});
    return answer_with({{"status", {{"id", "COMPLETED"}}}, {"operation", outcome->told}});
  }
  return refuse(404, "there is no operation '" + id + "' of this kind; outcomes are kept for seven days");
}

// Only what runs can be asked.
std::optional<Answer> check_running(const Call& call, const char* what) {
  const JobFacts facts = facts_of(*call.job.summary, call.site.now_ms);
  if (!facts.over) return std::nullopt;
  return refuse(409, "job '" + call.job.name + "' is " + facts.state + "; " + what + " needs a running one");
}

Answer post_savepoint(Call& call) {
  if (auto refusal = check_running(call, "a savepoint")) return *refusal;
  STREAM_HTTP_ASSIGN(const std::string to, place_in(call, "target-directory"));
  const bool cancel = flag_of(call.body, "cancel-job");
  return begun(call, "savepoint " + call.job.id, [&changes = call.changes, job = call.job.name, to, cancel] {
    const auto path = changes.savepoint(job, to);
    if (!path.ok() || !cancel) return located(path);
    const Status cancelled = changes.cancel(job);
    return cancelled.ok() ? located(path) : done(cancelled);
  });
}

Answer post_stop(Call& call) {
  if (auto refusal = check_running(call, "a stop")) return *refusal;
  STREAM_HTTP_ASSIGN(const std::string to, place_in(call, "targetDirectory"));
  return begun(call, "stop " + call.job.id,
               [&changes = call.changes, job = call.job.name, to, drain = flag_of(call.body, "drain")] {
                 return located(changes.stop(job, to, drain));
               });
}

// As in Flink, a stop is asked for here too.
Answer get_savepoint_outcome(Call& call) {
  return outcome_of(call, {"savepoint " + call.job.id, "stop " + call.job.id});
}

Answer post_checkpoint(Call& call) {
  if (auto refusal = check_running(call, "a checkpoint")) return *refusal;
  return begun(call, "checkpoint " + call.job.id, [&changes = call.changes, job = call.job.name]() -> Json {
    const auto epoch = changes.checkpoint(job);
    if (epoch.ok()) return {{"checkpointId", *epoch}};
    return {{"failureCause", throwable(epoch.status().what())}};
  });
}

Answer get_checkpoint_outcome(Call& call) { return outcome_of(call, {"checkpoint " + call.job.id}); }

// Nothing but what a job has made is deleted, whatever path is sent.
Answer post_disposal(Call& call) {
  const std::string path = text_of(call.body, "savepoint-path");
  if (path.empty()) return refuse(400, "the body lacks 'savepoint-path', the savepoint to delete");
  bool known = false;
  for (const std::string& job : call.jobs.names()) {
    const auto savepoints = call.jobs.list(job, "savepoints");
    if (!savepoints.ok()) continue;
    for (const Json& savepoint : **savepoints) known = known || text_of(savepoint, "path") == path;
  }
  if (!known) return refuse(404, "no job has made a savepoint '" + path + "'; /jobs/JOB/savepoints lists those of one");
  return begun(
      call, "disposal", [&changes = call.changes, path] { return done(changes.dispose(path)); }, 200);
}

Answer get_disposal_outcome(Call& call) { return outcome_of(call, {"disposal"}); }

// It is begun when this is answered, and over soon: /status tells. A job whose supervisor was killed can be ended too.
Answer patch_job(Call& call) {
  const std::string mode = call.query.contains("mode") ? call.value("mode") : "cancel";
  if (mode == "stop") return refuse(410, "mode=stop is no more; POST /jobs/" + call.job.id + "/stop");
  if (mode != "cancel") return refuse(400, "'mode' knows no '" + mode + "'; it takes cancel");
  const bool dead = facts_of(*call.job.summary, call.site.now_ms).state == "DEAD";
  if (auto refusal = check_running(call, "a cancellation"); refusal && !dead) return *refusal;
  return begun_unasked(
      call, "cancel " + call.job.id,
      [&changes = call.changes, job = call.job.name] { return done(changes.cancel(job)); }, 202);
}

// Bounds of the number of instances of each vertex; without a lower one it is that number.
Answer put_requirements(Call& call) {
  if (auto refusal = check_running(call, "another number of instances")) return *refusal;
  STREAM_HTTP_ASSIGN(const SharedPlan plan, call.jobs.plan(call.job.name));
  std::map<std::string, WantedInstances> wanted;
  for (const auto& [id, requirement] : call.body.items()) {
    const StageSpec* found = nullptr;
    for (const StageSpec& stage : plan->pipeline.stages) {
      if (id == vertex_id(stage.name) || id == stage.name) found = &stage;
    }
    if (found == nullptr) return refuse(404, "job '" + call.job.name + "' has no vertex '" + id + "'");
    const Json bounds = requirement.value("parallelism", Json::object());
    const bool bounded = bounds.contains("lowerBound");
    const std::int64_t least = bounded ? number_of(bounds, "lowerBound") : 1;
    const std::int64_t most = number_of(bounds, "upperBound");
    if (least < 1 || most < least || most > 1024)
      return refuse(400, "'" + found->name + "' needs 1 <= lowerBound <= upperBound <= 1024");
    wanted[found->name] = {bounded ? static_cast<std::uint32_t>(least) : 0, static_cast<std::uint32_t>(most)};
  }
  if (wanted.empty())
    return refuse(400,
                  "the body names no vertex: {\"VERTEX\": {\"parallelism\": {\"lowerBound\": 1, \"upperBound\": 3}}}");
  return begun_unasked(
      call, "rescale " + call.job.id,
      [&changes = call.changes, job = call.job.name, wanted] { return done(changes.rescale(job, wanted)); }, 200);
}

// As `stream resume` has it: what has finished or was cancelled left nothing to go on from.
Answer post_resume(Call& call) {
  const JobFacts facts = facts_of(*call.job.summary, call.site.now_ms);
  if (!facts.over) return refuse(409, "job '" + call.job.name + "' runs already");
  if (facts.state == "CANCELLED" || facts.state == "FINISHED")
    return refuse(409, "job '" + call.job.name + "' is " + facts.state +
                           "; POST /pipelines with its manifest, which GET /jobs/" + call.job.id +
                           "/manifest prints, starts it anew");
  return begun(call, "resume " + call.job.id,
               [&changes = call.changes, job = call.job.name] { return done(changes.resume(job)); });
}

Answer get_resume_outcome(Call& call) { return outcome_of(call, {"resume " + call.job.id}); }

}  // namespace stream::http
