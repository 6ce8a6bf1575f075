// What Flink answers has Flink's names and fields, no more: its own clients refuse fields they do not know.
#include <array>

#include "supervisor/http/shapes.h"

namespace stream::http {
namespace {

constexpr std::array kShapes = {
    // --- of everything ---------------------------------------------------------------------------
    Shape{"Errors", "errors:[string]"},
    Shape{"Nothing", ""},
    Shape{"Text", "= string"},
    Shape{"EventStream", "= string"},
    Shape{
        "JobStatus",
        "= INITIALIZING|CREATED|RUNNING|FAILING|FAILED|CANCELLING|CANCELED|FINISHED|RESTARTING|SUSPENDED|RECONCILING"},
    Shape{"ExecutionState",
          "= CREATED|SCHEDULED|DEPLOYING|RUNNING|FINISHED|CANCELING|CANCELED|FAILED|RECONCILING|INITIALIZING"},
    Shape{"KeyValue", "key:string value:string"},
    Shape{"Configuration", "= [KeyValue]"},
    Shape{"Jars", "address:string files:[any]"},
    Shape{"DataSets", "dataSets:[any]"},
    Shape{"Jvm", "version:string arch:string options:[string]"},
    Shape{"Environment", "jvm:Jvm classpath:[string]"},
    Shape{"LogUrl", "url:string"},
    Shape{"ThreadInfo", "threadName:string stringifiedThreadInfo:string"},
    Shape{"ThreadDump", "threadInfos:[ThreadInfo]"},
    Shape{"HeartbeatBody", "expiredTimestamp:i64?"},
    // --- of the server ---------------------------------------------------------------------------
    Shape{"ClusterOverview",
          "taskmanagers:i32 slots-total:i32 slots-available:i32 jobs-running:i32 jobs-finished:i32 jobs-cancelled:i32 "
          "jobs-failed:i32 flink-version:string flink-commit:string taskmanagers-blocked:i32 "
          "slots-free-and-blocked:i32"},
    Shape{"Features", "web-submit:boolean web-cancel:boolean web-rescale:boolean web-history:boolean"},
    Shape{"DashboardConfiguration",
          "refresh-interval:i64 timezone-name:string timezone-offset:i32 flink-version:string flink-revision:string "
          "features:Features"},
    Shape{"LogInfo", "name:string size:i64 mtime:i64"},
    Shape{"LogList", "logs:[LogInfo]"},
    Shape{"LogUrl", "url:string"},
    // --- of jobs ---------------------------------------------------------------------------------
    Shape{"JobIdWithStatus", "id:Id status:JobStatus"},
    Shape{"JobIds", "jobs:[JobIdWithStatus]"},
    Shape{"JobOverview",
          "jid:Id name:string state:JobStatus start-time:i64 end-time:i64 duration:i64 last-modification:i64 "
          "tasks:{i32} jobType:JobType schedulerType:SchedulerType pending-operators:i32"},
    Shape{"JobType", "= BATCH|STREAMING"},
    Shape{"SchedulerType", "= Default|Adaptive|AdaptiveBatch"},
    Shape{"JobsOverview", "jobs:[JobOverview]"},
    Shape{"JobStatusInfo", "status:JobStatus"},
    Shape{"Input", "num:i64 id:Id ship_strategy:string exchange:string caching:string? local_strategy:string?"},
    Shape{"PlanNode",
          "id:Id parallelism:i64 operator:string operator_strategy:string description:string "
          "optimizer_properties:object inputs:[Input]?"},
    Shape{"Plan", "jid:Id name:string type:string nodes:[PlanNode]"},
    Shape{"JobPlan", "plan:Plan"},
    Shape{"IOMetrics",
          "read-bytes:i64 read-bytes-complete:boolean write-bytes:i64 write-bytes-complete:boolean read-records:i64 "
          "read-records-complete:boolean write-records:i64 write-records-complete:boolean "
          "accumulated-backpressured-time:i64 accumulated-idle-time:i64 accumulated-busy-time:f64"},
    Shape{"JobVertex",
          "id:Id slotSharingGroupId:Id name:string maxParallelism:i32 parallelism:i32 status:ExecutionState "
          "start-time:i64 end-time:i64 duration:i64 tasks:{i32} metrics:IOMetrics"},
    Shape{"JobDetails",
          "jid:Id name:string isStoppable:boolean state:JobStatus job-type:JobType schedulerType:SchedulerType "
          "start-time:i64 end-time:i64 duration:i64 maxParallelism:i64 now:i64 timestamps:{i64} vertices:[JobVertex] "
          "status-counts:{i32} plan:Plan pending-operators:i32"},
    Shape{"ExecutionConfig",
          "restart-strategy:string job-parallelism:i32 object-reuse-mode:boolean user-config:{string}"},
    Shape{"JobConfig", "jid:Id name:string execution-config:ExecutionConfig"},
    Shape{"ExceptionInfo",
          "exceptionName:string stacktrace:string timestamp:i64 failureLabels:{string} taskName:string? "
          "endpoint:string? taskManagerId:string?"},
    Shape{"RootExceptionInfo", "+ExceptionInfo concurrentExceptions:[ExceptionInfo]"},
    Shape{"ExceptionHistory", "entries:[RootExceptionInfo] truncated:boolean"},
    Shape{"JobExceptions", "exceptionHistory:ExceptionHistory"},
    Shape{"Accumulators",
          "job-accumulators:[any] user-task-accumulators:[UserAccumulator] "
          "serialized-user-task-accumulators:{string}"},
    Shape{"UserAccumulator", "name:string type:string value:string"},
    Shape{"VertexAccumulators", "id:Id user-accumulators:[UserAccumulator]"},
    Shape{"SubtaskAccumulators", "subtask:i32 attempt:i32 endpoint:string user-accumulators:[UserAccumulator]"},
    Shape{"SubtasksAccumulators", "id:Id parallelism:i32 subtasks:[SubtaskAccumulators]"},
    Shape{"AttemptAccumulators", "+SubtaskAccumulators id:string"},
    Shape{"QueueStatus", "id:IN_PROGRESS|COMPLETED"},
    Shape{"JobResult",
          "id:Id application-status:SUCCEEDED|FAILED|CANCELED|UNKNOWN net-runtime:i64 accumulator-results:{string} "
          "failure-cause:Throwable?"},
    Shape{"JobExecutionResult", "status:QueueStatus job-execution-result:JobResult?"},
    Shape{"Throwable", "class:string stack-trace:string serialized-throwable:string"},
    // --- of checkpoints --------------------------------------------------------------------------
    Shape{"StatsSummary", "min:i64 max:i64 avg:i64 p50:f64 p90:f64 p95:f64 p99:f64 p999:f64"},
    Shape{"CheckpointStatus", "= IN_PROGRESS|COMPLETED|FAILED"},
    Shape{"TaskCheckpoint",
          "id:i64 status:CheckpointStatus latest_ack_timestamp:i64 checkpointed_size:i64 state_size:i64 "
          "end_to_end_duration:i64 alignment_buffered:i64 processed_data:i64 persisted_data:i64 num_subtasks:i32 "
          "num_acknowledged_subtasks:i32"},
    Shape{"Checkpoint",
          "className:completed|failed|in_progress +TaskCheckpoint is_savepoint:boolean savepointFormat:string? "
          "trigger_timestamp:i64 checkpoint_type:CHECKPOINT|SAVEPOINT|SYNC_SAVEPOINT tasks:{TaskCheckpoint} "
          "external_path:string? discarded:boolean? failure_timestamp:i64? failure_message:string?"},
    Shape{"RestoredCheckpoint", "id:i64 restore_timestamp:i64 is_savepoint:boolean external_path:string?"},
    Shape{"LatestCheckpoints",
          "completed:Checkpoint? savepoint:Checkpoint? failed:Checkpoint? restored:RestoredCheckpoint?"},
    Shape{"CheckpointCounts", "restored:i64 total:i64 in_progress:i32 completed:i64 failed:i64"},
    Shape{"CheckpointSummary",
          "checkpointed_size:StatsSummary state_size:StatsSummary end_to_end_duration:StatsSummary "
          "alignment_buffered:StatsSummary processed_data:StatsSummary persisted_data:StatsSummary"},
    Shape{"Checkpoints",
          "counts:CheckpointCounts summary:CheckpointSummary latest:LatestCheckpoints history:[Checkpoint]"},
    Shape{"Externalization", "enabled:boolean delete_on_cancellation:boolean"},
    Shape{"CheckpointConfig",
          "mode:EXACTLY_ONCE|AT_LEAST_ONCE interval:i64 timeout:i64 min_pause:i64 max_concurrent:i64 "
          "externalization:Externalization state_backend:string checkpoint_storage:string "
          "unaligned_checkpoints:boolean tolerable_failed_checkpoints:i32 aligned_checkpoint_timeout:i64 "
          "checkpoints_after_tasks_finish:boolean state_changelog_enabled:boolean "
          "changelog_periodic_materialization_interval:i64 changelog_storage:string"},
    Shape{"CheckpointDuration", "sync:i64 async:i64"},
    Shape{"CheckpointAlignment", "buffered:i64 processed:i64 persisted:i64 duration:i64"},
    Shape{"SubtaskCheckpoint",
          "className:completed|pending index:i32 status:string ack_timestamp:i64? end_to_end_duration:i64? "
          "state_size:i64? checkpointed_size:i64? checkpoint:CheckpointDuration? alignment:CheckpointAlignment? "
          "start_delay:i64? unaligned_checkpoint:boolean? aborted:boolean?"},
    Shape{"CheckpointDurationSummary", "sync:StatsSummary async:StatsSummary"},
    Shape{"CheckpointAlignmentSummary",
          "buffered:StatsSummary processed:StatsSummary persisted:StatsSummary duration:StatsSummary"},
    Shape{"TaskCheckpointSummary",
          "state_size:StatsSummary checkpointed_size:StatsSummary end_to_end_duration:StatsSummary "
          "checkpoint_duration:CheckpointDurationSummary alignment:CheckpointAlignmentSummary "
          "start_delay:StatsSummary"},
    Shape{"TaskCheckpointDetails", "+TaskCheckpoint summary:TaskCheckpointSummary subtasks:[SubtaskCheckpoint]"},
    // --- of vertices -----------------------------------------------------------------------------
    Shape{"Subtask",
          "subtask:i32 status:ExecutionState attempt:i32 endpoint:string start-time:i64 end-time:i64 duration:i64 "
          "metrics:IOMetrics taskmanager-id:string status-duration:{i64} other-concurrent-attempts:[any]?"},
    Shape{"AggregatedTasks", "metrics:{Statistics} status-duration:{Statistics}"},
    Shape{"Statistics", "= {i64}"},
    Shape{"VertexDetails",
          "id:Id name:string parallelism:i32 maxParallelism:i32 now:i64 subtasks:[Subtask] aggregated:AggregatedTasks"},
    Shape{"SubtaskTime", "subtask:i32 endpoint:string duration:i64 timestamps:{i64}"},
    Shape{"SubtaskTimes", "id:Id name:string now:i64 subtasks:[SubtaskTime]"},
    Shape{"SubtaskBackpressure",
          "subtask:i32 attempt-number:i32 backpressureLevel:ok|low|high ratio:f64 idleRatio:f64 busyRatio:f64 "
          "other-concurrent-attempts:[any]?"},
    Shape{"Backpressure",
          "status:ok|deprecated backpressureLevel:ok|low|high end-timestamp:i64 subtasks:[SubtaskBackpressure]"},
    Shape{"FlameNode", "name:string value:i32 children:[FlameNode]"},
    Shape{"VertexFlameGraph", "endTimestamp:i64 data:FlameNode?"},
    Shape{"VertexTaskManager",
          "endpoint:string status:ExecutionState start-time:i64 end-time:i64 duration:i64 metrics:IOMetrics "
          "status-counts:{i32} taskmanager-id:string aggregated:AggregatedTasks"},
    Shape{"VertexTaskManagers", "id:Id name:string now:i64 taskmanagers:[VertexTaskManager]"},
    // --- metrics: lists, whatever Flink's own document says ------------------------------------------
    Shape{"Metric", "id:string value:string?"},
    Shape{"Metrics", "= [Metric]"},
    Shape{"AggregatedMetric", "id:string min:f64? max:f64? avg:f64? sum:f64? skew:f64?"},
    Shape{"AggregatedMetrics", "= [AggregatedMetric]"},
    // --- of hosts --------------------------------------------------------------------------------
    Shape{"ResourceProfile",
          "cpuCores:f64 taskHeapMemory:i32 taskOffHeapMemory:i32 managedMemory:i32 networkMemory:i32 "
          "extendedResources:{f64}"},
    Shape{"Hardware", "cpuCores:i32 physicalMemory:i64 freeMemory:i64 managedMemory:i64"},
    Shape{"MemoryConfiguration",
          "frameworkHeap:i64 taskHeap:i64 frameworkOffHeap:i64 taskOffHeap:i64 networkMemory:i64 managedMemory:i64 "
          "jvmMetaspace:i64 jvmOverhead:i64 totalFlinkMemory:i64 totalProcessMemory:i64"},
    Shape{"TaskManager",
          "id:Id path:string dataPort:i32 jmxPort:i32 timeSinceLastHeartbeat:i64 slotsNumber:i32 freeSlots:i32 "
          "totalResource:ResourceProfile freeResource:ResourceProfile hardware:Hardware "
          "memoryConfiguration:MemoryConfiguration blocked:boolean assignedTasks:i32"},
    Shape{"TaskManagers", "taskmanagers:[TaskManager]"},
    Shape{"Slot", "jobId:Id resource:ResourceProfile assignedTasks:i32"},
    Shape{"GarbageCollector", "name:string count:i64 time:i64"},
    Shape{"TaskManagerMetrics",
          "heapUsed:i64 heapCommitted:i64 heapMax:i64 nonHeapUsed:i64 nonHeapCommitted:i64 nonHeapMax:i64 "
          "directCount:i64 directUsed:i64 directMax:i64 mappedCount:i64 mappedUsed:i64 mappedMax:i64 "
          "nettyShuffleMemorySegmentsAvailable:i64 nettyShuffleMemorySegmentsUsed:i64 "
          "nettyShuffleMemorySegmentsTotal:i64 nettyShuffleMemoryAvailable:i64 nettyShuffleMemoryUsed:i64 "
          "nettyShuffleMemoryTotal:i64 garbageCollectors:[GarbageCollector]"},
    Shape{"TaskManagerDetails", "+TaskManager metrics:TaskManagerMetrics allocatedSlots:[Slot]"},
    // --- of changes ------------------------------------------------------------------------------
    Shape{"Trigger", "request-id:Id"},
    Shape{"Operation", "location:string? checkpointId:i64? failure-cause:Throwable? failureCause:Throwable?"},
    Shape{"OperationResult", "status:QueueStatus operation:Operation?"},
    Shape{"SavepointFormat", "= CANONICAL|NATIVE"},
    Shape{"SavepointBody", "target-directory:string? cancel-job:boolean? formatType:SavepointFormat? triggerId:Id?"},
    Shape{"StopBody", "targetDirectory:string? drain:boolean? formatType:SavepointFormat? triggerId:Id?"},
    Shape{"CheckpointBody", "checkpointType:CONFIGURED|FULL|INCREMENTAL? triggerId:Id?"},
    Shape{"DisposalBody", "savepoint-path:string"},
    Shape{"Parallelism", "lowerBound:i32 upperBound:i32"},
    Shape{"VertexRequirements", "parallelism:Parallelism"},
    Shape{"ResourceRequirements", "= {VertexRequirements}"},
    // --- our own ---------------------------------------------------------------------------------
    Shape{"OperationStatus", "= IN_PROGRESS|COMPLETED|FAILED"},
    Shape{"OperationRecord",
          "id:Id kind:string job:any name:any who:string remote:string status:OperationStatus begin:i64 end:i64 "
          "outcome:Operation"},
    Shape{"Operations", "operations:[OperationRecord]"},
    Shape{"State", "tables:[object]"},
    Shape{"StateQuestion", "sql:string live:boolean? limit:i32?"},
    Shape{"StateColumn", "name:string type:string"},
    Shape{"StateAnswer", "columns:[StateColumn] rows:[[any]] more:boolean checkpoint:i64? age:i64?"},
    Shape{"History", "series:[HistorySeries]"},
    Shape{"HistorySeries", "metric:string vertex:any subtask:any points:[[f64]]?"},
    Shape{"Problem", "where:string? message:string"},
    Shape{"Validation", "valid:boolean problems:[string]"},
    Shape{"Submitted", "jobs:[SubmittedJob]"},
    Shape{"SubmittedJob", "jid:Id name:string"},
    Shape{"CommandTerminal", "columns:i32? rows:i32? error-columns:i32? color:boolean? live:boolean?"},
    Shape{"CommandBody", "arguments:[string] files:{string}? terminal:CommandTerminal?"},
    Shape{"CommandLine", "stdout:string? stderr:string? stdout64:string? stderr64:string? exit:i32? signal:i32?"},
    Shape{"Listed", "= [object]"},
    Shape{"Object", "= object"},
};

}  // namespace

std::span<const Shape> shapes() { return kShapes; }

}  // namespace stream::http
