// The functions that answer, by the file they are in. What each does is said in routes.cc.
#pragma once

#include <optional>

#include "supervisor/http/call.h"

namespace stream::http {

// server_handlers.cc
Answer get_overview(Call& call);
Answer get_config(Call& call);
Answer get_openapi(Call& call);
Answer get_server_config(Call& call);
Answer get_server_logs(Call& call);
Answer get_server_log(Call& call);

// job_handlers.cc
Answer get_jobs(Call& call);
Answer get_jobs_overview(Call& call);
Answer get_job(Call& call);
Answer get_job_status(Call& call);
Answer get_job_plan(Call& call);
Answer get_job_config(Call& call);
Answer get_job_exceptions(Call& call);
Answer get_job_accumulators(Call& call);
Answer get_jars(Call& call);
Answer get_datasets(Call& call);
Answer get_environment(Call& call);
Answer get_log_url(Call& call);
Answer get_host_log_url(Call& call);
Answer get_server_threads(Call& call);
Answer get_host_threads(Call& call);
Answer get_server_newest(Call& call);
Answer get_server_stdout(Call& call);
Answer get_stage_metrics(Call& call);
Answer patch_heartbeat(Call& call);
Answer refuse_rescaling(Call& call);
Answer refuse_cancel_by_get(Call& call);
Answer delete_cluster(Call& call);
Answer get_job_result(Call& call);
Answer get_job_summary(Call& call);
Answer get_job_stats(Call& call);
Answer get_job_events(Call& call);
Answer get_job_savepoints(Call& call);

// checkpoint_handlers.cc
Answer get_checkpoints(Call& call);
Answer get_checkpoint_config(Call& call);
Answer get_checkpoint(Call& call);
Answer get_checkpoint_subtasks(Call& call);

// vertex_handlers.cc
Answer get_vertex(Call& call);
Answer get_vertex_times(Call& call);
Answer get_vertex_watermarks(Call& call);
Answer get_vertex_backpressure(Call& call);
Answer get_vertex_hosts(Call& call);
Answer get_vertex_accumulators(Call& call);
Answer get_subtask(Call& call);
Answer get_attempt(Call& call);
Answer get_subtasks_accumulators(Call& call);
Answer get_attempt_accumulators(Call& call);
Answer get_requirements(Call& call);

// flame_handlers.cc
Answer get_flame_graph(Call& call);

// metric_handlers.cc
Answer get_server_metrics(Call& call);
Answer get_job_metrics(Call& call);
Answer get_jobs_metrics(Call& call);
Answer get_vertex_metrics(Call& call);
Answer get_subtask_metrics(Call& call);
Answer get_subtasks_metrics(Call& call);
Answer get_host_metrics(Call& call);
Answer get_hosts_metrics(Call& call);

// host_handlers.cc
Answer get_hosts(Call& call);
Answer get_host(Call& call);
Answer get_host_logs(Call& call);
Answer get_host_log_file(Call& call);
Answer get_host_log(Call& call);
Answer get_host_stdout(Call& call);

// change_handlers.cc
Answer post_savepoint(Call& call);
Answer post_stop(Call& call);
Answer get_savepoint_outcome(Call& call);
Answer post_checkpoint(Call& call);
Answer get_checkpoint_outcome(Call& call);
Answer post_disposal(Call& call);
Answer get_disposal_outcome(Call& call);
Answer patch_job(Call& call);
Answer put_requirements(Call& call);
Answer post_resume(Call& call);
Answer get_resume_outcome(Call& call);

// command_handlers.cc
Answer post_command(Call& call);

// operation_handlers.cc
Answer get_operations(Call& call);
Answer get_operation(Call& call);

// history_handlers.cc
Answer get_job_history(Call& call);

// stream_handlers.cc
Answer get_stream(Call& call);
Answer get_taps(Call& call);

// download_handlers.cc
Answer get_savepoint_file(Call& call);

// pipeline_handlers.cc
Answer get_job_manifest(Call& call);
Answer post_pipeline(Call& call);
Answer post_validation(Call& call);
Answer post_upgrade(Call& call);
Answer get_upgrade_outcome(Call& call);

// state_handlers.cc
Answer get_job_state(Call& call);
Answer post_state_query(Call& call);

}  // namespace stream::http
