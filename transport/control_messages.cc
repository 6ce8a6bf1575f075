#include "transport/control_messages.h"

#include <nlohmann/json.hpp>

namespace stream {

namespace metrics {
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(HistogramValue, count, min, max, mean, deviation, quantiles)
}  // namespace metrics

using nlohmann::json;

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ChannelAssignment, id, peer, attempt, far)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(InputAssignment, name, schema, channels)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(EdgeAssignment, to, spread, hash_columns, schema, where, channels)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(OutputAssignment, name, schema, edges)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Assignment, job, run, attempt, stage, instance, parallelism, key_groups,
                                                folder, options, memory_bytes, exactly_once, sockets, checkpoints,
                                                storage, fetched, local, scratch, dead_letter, spool, host, address,
                                                key, predecessor_may_wake, silence_us, stats_every, rewind_after,
                                                must_rewind, going_back, aligned, accept_duplicates, inputs, not_read,
                                                outputs, watermarks_apart, restore)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Rewiring, inputs, outputs)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(InstanceStats, records_in, bytes_in, records_out, bytes_out, frames_out,
                                                bad_records, late_records, latencies_us, total_us, idle_us,
                                                backpressured_us, cpu_us, queued_bytes, watermark, watermark_held_by,
                                                watermark_idle, ahead, state_rows, state_bytes, spilled_bytes,
                                                resident_bytes, pending_records, turns, ended, spool_input,
                                                spool_offset, user_counters, user_gauges, user_meters, user_histograms,
                                                source_idle_us, emit_lag_us, trouble)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(SnapshotDone, epoch, files, alignment_us, pause_us, async_us,
                                                start_wall_us, queued_bytes, rows, bytes, spool_input, spool_offset)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Note, type, epoch, text, endpoints, channels, can)

namespace {

template <class T>
std::string write(const char* type, const T& value) {
  json out = value;
  out["type"] = type;
  out["protocol"] = kControlProtocol;
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

template <class T>
Result<T> read(const char* type, std::string_view text) {
  const json in = json::parse(text, nullptr, false);
  if (!in.is_object() || !in.contains("type")) return corrupt("control: not a message");
  if (type != nullptr && in["type"] != type) return corrupt("control: expected '" + std::string(type) + "'");
  try {
    if (in.value("protocol", 0) != kControlProtocol) return corrupt("control: another protocol version");
    return in.get<T>();
  } catch (const json::exception& error) { return corrupt(std::string("control: ") + error.what()); }
}

}  // namespace

std::string to_json(const Assignment& assignment) { return write("assignment", assignment); }
Result<Assignment> assignment_from_json(std::string_view text) { return read<Assignment>("assignment", text); }
std::string to_json(const Rewiring& rewiring) { return write("rewire", rewiring); }
Result<Rewiring> rewiring_from_json(std::string_view text) { return read<Rewiring>("rewire", text); }
std::string to_json(const InstanceStats& stats) { return write("stats", stats); }
Result<InstanceStats> stats_from_json(std::string_view text) { return read<InstanceStats>("stats", text); }
std::string to_json(const SnapshotDone& done) { return write("snapshot", done); }
Result<SnapshotDone> snapshot_from_json(std::string_view text) { return read<SnapshotDone>("snapshot", text); }
std::string to_json(const Note& note) { return write(note.type.c_str(), note); }
Result<Note> note_from_json(std::string_view text) { return read<Note>(nullptr, text); }

}  // namespace stream
