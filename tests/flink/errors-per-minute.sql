-- Pipeline errors-per-minute, made of a manifest by stream deploy --on flink: see stream-flink(7).
SET 'pipeline.name' = 'errors-per-minute';
SET 'execution.runtime-mode' = 'streaming';
SET 'table.local-time-zone' = 'UTC';
SET 'parallelism.default' = '1';
SET 'pipeline.max-parallelism' = '1024';

-- Checkpoints.
SET 'execution.checkpointing.interval' = '10 s';
SET 'execution.checkpointing.mode' = 'EXACTLY_ONCE';
SET 'execution.checkpointing.timeout' = '600 s';
SET 'execution.checkpointing.min-pause' = '0 ms';
SET 'execution.checkpointing.num-retained' = '3';

-- Restarts.
SET 'restart-strategy.type' = 'exponential-delay';
SET 'restart-strategy.exponential-delay.initial-backoff' = '100 ms';
SET 'restart-strategy.exponential-delay.max-backoff' = '30 s';
SET 'restart-strategy.exponential-delay.backoff-multiplier' = '2.0';
SET 'restart-strategy.exponential-delay.jitter-factor' = '0.1';
SET 'restart-strategy.exponential-delay.attempts-before-reset-backoff' = '10';

-- requests: read-file
CREATE TEMPORARY TABLE requests (
  ts TIMESTAMP_LTZ(6),
  host STRING,
  path STRING,
  status BIGINT,
  ms BIGINT,
  event_time AS CAST(ts AS TIMESTAMP_LTZ(3)),
  WATERMARK FOR event_time AS event_time - INTERVAL '5.001' SECOND
) WITH (
  'connector' = 'filesystem',
  'path' = 'file:///manifests/access.ndjson',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601'
);

-- errors: filter
CREATE TEMPORARY VIEW errors AS
SELECT ts,
       host,
       path,
       status,
       ms,
       event_time
FROM requests
WHERE status >= 500;

-- per-minute: aggregate
CREATE TEMPORARY VIEW `per-minute` AS
SELECT host,
       CAST(window_start AS TIMESTAMP_LTZ(6)) AS window_start,
       CAST(window_end AS TIMESTAMP_LTZ(6)) AS window_end,
       COUNT(*) AS errors,
       COALESCE(MAX(ms), 0) AS slowest
FROM TABLE(TUMBLE(TABLE errors, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
GROUP BY host, window_start, window_end;

-- out: write-file
CREATE TEMPORARY TABLE `out` (
  host STRING,
  window_start TIMESTAMP_LTZ(6),
  window_end TIMESTAMP_LTZ(6),
  errors BIGINT,
  slowest BIGINT
) WITH (
  'connector' = 'filesystem',
  'path' = 'file:///manifests/errors-per-minute/',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601'
);

-- One job fills all sinks.
EXECUTE STATEMENT SET
BEGIN
INSERT INTO `out`
SELECT host, window_start, window_end, errors, slowest
FROM `per-minute`;
END;
