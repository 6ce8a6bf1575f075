// What supervisor and instance say to each other, as values and as JSON. Every text is one object
// with a "type". Order and meaning: stream-checkpoint(7).
//
//   instance -> supervisor   hello, endpoints, ready, holding, snapshot, snapshot-failed, committed, ended,
//                            stats, peer-gone, failed
//   supervisor -> instance   assignment, connect, start, align, hold, trigger, release, complete, rewire, drain,
//                            tap, lookup, traced, exit
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/clock.h"
#include "transport/base/histogram.h"
#include "transport/base/ids.h"
#include "transport/base/status.h"

namespace stream {

inline constexpr int kControlProtocol = 1;

struct ChannelAssignment {
  std::uint32_t id = 0;
  std::string peer;           // "errors.0"
  std::uint32_t attempt = 0;  // in its frames and its endpoint; 0: that of the assignment
  bool far = false;           // of an input: the peer is on another host
};

struct InputAssignment {
  std::string name;
  std::string schema;  // JSON
  std::vector<ChannelAssignment> channels;
};

struct EdgeAssignment {
  std::string to;      // stage
  std::string spread;  // forward, hash, rebalance, broadcast
  std::vector<std::string> hash_columns;
  std::string schema;  // JSON; the columns this edge carries
  std::string where;   // condition to apply first, or ""
  std::vector<ChannelAssignment> channels;
};

struct OutputAssignment {
  std::string name;
  std::string schema;  // JSON; "" if nothing is connected
  std::vector<EdgeAssignment> edges;
};

struct Assignment {
  std::string job;
  std::string run;
  std::uint32_t attempt = 0;
  std::string stage;
  std::uint32_t instance = 0;
  std::uint32_t parallelism = 1;
  std::uint32_t key_groups = 1024;
  std::string folder;
  std::string options;  // JSON
  std::uint64_t memory_bytes = 0;
  bool exactly_once = true;
  std::string sockets;      // folder for ipc endpoints
  std::string checkpoints;  // folder
  std::string storage;      // URL: snapshot files are uploaded below it as well; "" for none
  std::string fetched;      // URL: what it restores from is fetched from below it, and `checkpoints` and the folder of
                            // `restore` are its own, kept in storage as well; "": both are the job's
  std::string local;        // folder: copies of snapshot files are left there; "" for none
  std::string scratch;      // folder, this instance's own
  std::string dead_letter;  // folder
  std::string spool;        // folder of the job's standard input; "" for a stage that does not read it
  std::string host;         // its name in the manifest; "" where there is one host
  std::string address;      // of the host, where channels from others come in
  std::string key;          // of those channels; "" = the instance has it already, or needs none
  bool predecessor_may_wake = false;  // an instance of an earlier attempt may live where nobody can end it
  Microseconds silence_us = 0;        // a peer on another host that says nothing for so long is lost
  Microseconds stats_every = 500'000;
  std::uint64_t rewind_after = 0;  // not 0: sinks take back what they committed after this epoch
  bool must_rewind = false;
  bool going_back = false;         // by the user's wish: what comes again may be something else
  bool aligned = false;            // a source: beyond its first watermark it reads as far as `align` says
  bool accept_duplicates = false;  // with must_rewind: what cannot be taken back stays
  std::vector<InputAssignment> inputs;
  std::vector<std::string> not_read;  // columns that the plan does not send: they are missing in its dead letters
  std::vector<OutputAssignment> outputs;
  bool watermarks_apart = false;  // each a frame of its own, so that equal input gives equal lateness
  std::string restore;            // a RestoreSource as JSON, or "" for a fresh start
};

std::string to_json(const Assignment& assignment);  // with its type
Result<Assignment> assignment_from_json(std::string_view text);

// Channels that take the place of others while the instance runs: it keeps those whose ids it has, closes those that
// are gone, and makes the rest. Inputs, outputs and edges are as many as before, and in the same order.
struct Rewiring {
  std::vector<InputAssignment> inputs;
  std::vector<OutputAssignment> outputs;
};

std::string to_json(const Rewiring& rewiring);  // with its type
Result<Rewiring> rewiring_from_json(std::string_view text);

inline constexpr Microseconds kNoLag = INT64_MIN;  // its rows have no event time

struct InstanceStats {
  std::uint64_t records_in = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t records_out = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t frames_out = 0;
  std::uint64_t bad_records = 0;
  std::uint64_t late_records = 0;          // too late for their window
  std::vector<Microseconds> latencies_us;  // since the last message, of the newest marks; see stream-frame(7)
  Microseconds total_us = 0;
  Microseconds idle_us = 0;
  Microseconds backpressured_us = 0;
  Microseconds cpu_us = 0;  // of the process
  std::uint64_t queued_bytes = 0;
  std::int64_t pending_records = -1;  // a source: that are there to be read; -1: it cannot tell
  Microseconds watermark = INT64_MIN;
  std::string watermark_held_by;
  bool watermark_idle = false;  // it has had no records for so long that it holds event time back no more
  bool ahead = false;           // a source: it waits for others, which are behind in event time
  std::uint64_t state_rows = 0;
  std::uint64_t state_bytes = 0;
  std::uint64_t spilled_bytes = 0;  // of the state, on disk only
  std::uint64_t resident_bytes = 0;
  std::uint64_t turns = 0;
  bool ended = false;
  std::uint64_t spool_input = 0;  // where it stands in the spool; 0: it reads none
  std::uint64_t spool_offset = 0;
  std::map<std::string, std::int64_t, std::less<>> user_counters;  // of the user's own code, by name
  std::map<std::string, double, std::less<>> user_gauges;
  std::map<std::string, std::int64_t, std::less<>> user_meters;  // how often; the rate follows from two reports
  std::map<std::string, metrics::HistogramValue, std::less<>> user_histograms;
  Microseconds source_idle_us = -1;   // a source: since its last row; -1: it is none, or has had none
  Microseconds emit_lag_us = kNoLag;  // a source: from the event time of its newest row to when that was sent on
  std::string trouble;                // what it tries again and again, as a server is away; "" = nothing
};

std::string to_json(const InstanceStats& stats);  // with its type
Result<InstanceStats> stats_from_json(std::string_view text);

struct SnapshotDone {
  std::uint64_t epoch = 0;
  std::string files;  // InstanceFiles as JSON
  Microseconds alignment_us = 0;
  Microseconds pause_us = 0;
  Microseconds async_us = 0;
  Microseconds start_wall_us = 0;  // when the barrier was there
  std::uint64_t queued_bytes = 0;
  std::uint64_t rows = 0;         // captured
  std::uint64_t bytes = 0;        // captured
  std::uint64_t spool_input = 0;  // where it goes on in the spool from here; 0: it reads none
  std::uint64_t spool_offset = 0;
};

std::string to_json(const SnapshotDone& done);
Result<SnapshotDone> snapshot_from_json(std::string_view text);

// The small messages: a type and up to one number and one text.
struct Note {
  std::string type;
  std::uint64_t epoch = 0;
  std::string text;
  std::map<std::string, std::string> endpoints;  // channel id -> endpoint
  std::vector<std::uint32_t> channels = {};      // of hold: the output channels
  std::vector<std::string> can = {};             // of hello: what it knows beyond the messages of old
};

// In Note::can: it knows hold, release and rewire.
inline constexpr std::string_view kCanRescale = "rescale";
// … and traced.
inline constexpr std::string_view kCanBeTraced = "traced";
// In Note::text of hold: the instance stands still behind the barrier.
inline constexpr std::string_view kHoldAll = "all";

std::string to_json(const Note& note);
// Reads any message as a note: at least its type.
Result<Note> note_from_json(std::string_view text);

}  // namespace stream
