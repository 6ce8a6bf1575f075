// The interfaces a stage implements, and the table that describes its executable.
//
// All calls come from one thread. Slow work (fsync, network) belongs into Sink::commit, which the
// kit runs on a thread of its own. A non-OK Status stops the process with the exit code of its
// Code (stages/kit/exit_code.h). State lives in state tables opened through Context::state(); the
// kit snapshots and restores them, so no interface here has to.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "snapshot/spool.h"
#include "stages/kit/option.h"
#include "stages/kit/plan.h"
#include "stages/kit/trouble.h"
#include "stages/kit/user_metrics.h"
#include "transport/base/clock.h"
#include "transport/base/ids.h"
#include "transport/base/status.h"
#include "transport/record/batch.h"

namespace stream {

class StateStore;

inline constexpr Microseconds kNoWatermark = INT64_MIN;  // nothing known yet
inline constexpr Microseconds kEndOfTime = INT64_MAX;    // bounded input has ended

// A record that could not be processed; handled by the stage's `on-error` policy.
struct BadRecord {
  std::string reason;
  std::string position;  // "access.ndjson:1234", or "" where there is none
  std::string record;    // as text, cut to 64 KiB
};

// Where results go. Never blocks: the kit stops feeding the stage while outputs are full.
class Emitter {
 public:
  virtual ~Emitter() = default;
  virtual Status emit(Batch batch, std::size_t output = 0) = 0;
  // Errors: kBadRecord if the policy is `fail`; return it.
  virtual Status bad_record(BadRecord record) = 0;
  // So many rows are too late for their window; they go to `output` where something reads it.
  virtual void late_records(std::uint64_t rows, std::size_t output) = 0;
  // True when the outputs hold more than their budget: a stage with much left to emit returns
  // and says has_more().
  virtual bool full() const = 0;
  // A source need not emit more rows at once: its receivers take no more in the time that work in flight is to be
  // worth.
  virtual std::size_t rows_wanted() const { return kBatchRowsMax; }
  // False where nothing reads the output: what would be emitted there need not be made.
  virtual bool wanted(std::size_t /*output*/) const { return true; }
};

// What a stage knows when it is made. References live as long as the stage.
struct Context {
  const Values& options;
  std::string folder;              // relative paths start here
  std::vector<SchemaPtr> inputs;   // as they arrive: pruned to what is needed
  std::vector<SchemaPtr> outputs;  // as they must be emitted: pruned to what is used
  StateStore& state;
  const Clock& clock;
  std::string job;    // "" outside a job
  std::string stage;  // name in the manifest: the identity of its state
  std::string run;    // 32 hex digits; "" outside a job
  std::uint32_t instance = 0;
  std::uint32_t parallelism = 1;
  std::uint32_t key_groups = 1024;
  std::uint64_t memory_bytes = 512ULL << 20;
  bool supervised = false;   // checkpoints and commits will come
  std::string spool = {};    // of a stage that reads standard input in a job: the folder it is spooled in
  std::string sampled = {};  // … outside a job: what planning has read of standard input already
  std::vector<std::string> input_names = {};  // of `inputs`: as in `from:`, or of the upstream stage
  std::uint32_t attempt = 0;                  // of the run, as on frames; 0 outside a job
  // What an earlier attempt has left may still run, on a host that stands still, and write on where it was when that
  // wakes: nothing it had open by name is gone on with.
  bool predecessor_may_wake = false;
  bool going_back = false;  // rewind() must not count on the same rows coming again
  std::shared_ptr<UserMetrics> metrics = std::make_shared<UserMetrics>();  // what the user's own code counts
  std::shared_ptr<Trouble> trouble = std::make_shared<Trouble>();          // of Sink::commit() and on_restored()

  // Where numbers in names of files begin, so that no two attempts use the same.
  std::uint64_t first_number() const { return predecessor_may_wake ? std::uint64_t{attempt} * 1'000'000'000 : 0; }
};

// Order of calls:  on_restored? ( (on_batch | on_watermark | on_time | on_end) more* | before_snapshot )*
// What event time had reached at the checkpoint comes as the first on_watermark() after on_restored().
// Of an operator with a wake_fd(): more() at any time between them, and await_results() before before_snapshot().
class Operator {
 public:
  virtual ~Operator() = default;

  virtual Status on_batch(std::size_t input, Batch batch, Emitter& out) = 0;

  // Event time has reached `watermark` on all inputs. Returns what the outputs may promise, which
  // is never more; default: the same. Asked again after more().
  virtual Microseconds output_watermark(Microseconds watermark) const { return watermark; }
  virtual Status on_watermark(Microseconds /*watermark*/, Emitter& /*out*/) { return {}; }

  // True: the rows it emits have event time of its own. The kit makes watermarks of it, by input channel and by the
  // stage's `out-of-order` and `idle`; those of the inputs end here, and on_watermark() is not called.
  virtual bool makes_time() const { return false; }

  // How many of the batches it was given it still keeps, to emit them later, the oldest first; they are in its state at
  // a snapshot. Their senders send little more meanwhile, event time is promised by output_watermark() as they leave,
  // and on_end() waits for the last of them.
  virtual std::size_t kept_batches() const { return 0; }

  // For results that depend on the wall clock instead of event time: when on_time() is to be called; nothing: never.
  virtual std::optional<Microseconds> due() const { return std::nullopt; }
  virtual Status on_time(Microseconds /*now*/, Emitter& /*out*/) { return {}; }

  // Every input has ended (a watermark of kEndOfTime came before). Default: nothing left.
  virtual Status on_end(Emitter& /*out*/) { return {}; }

  // True while the last call left results behind because out.full(), or rows because they take long: more() is called
  // until false, before anything else.
  virtual bool has_more() const { return false; }
  virtual Status more(Emitter& /*out*/) { return {}; }
  // Of the rows given, those that were left so.
  virtual std::size_t rows_left() const { return 0; }

  // For results that come from outside the process, a while after the rows: a descriptor that is readable when more()
  // has something to do, -1 where there is nothing outside. more() is then called often, must not block, and
  // has_more() also says that nothing can be taken in before something has come.
  virtual int wake_fd() const { return -1; }
  // The input pauses here, for a barrier: has_more() from now on until every row given has its results.
  virtual Status await_results(Emitter& /*out*/) { return {}; }

  // The state tables hold what the checkpoint's snapshot gave. Default: nothing to derive.
  virtual Status on_restored() { return {}; }
  // Write everything that must survive into the state tables now.
  virtual Status before_snapshot() { return {}; }
};

// Which split the last poll() read, and what that means for the watermark.
struct SplitView {
  std::uint64_t current = 0;  // names the split; the same after a restart
  std::uint32_t unread = 0;   // splits not yet begun that hold records
  bool sequential = true;     // one split after the other; else all begun ones are read at once
};

// Order of calls:  on_restored? ( poll | before_snapshot | on_complete )*
class Source {
 public:
  virtual ~Source() = default;

  enum class Poll : std::uint8_t {
    kMore,  // call again as soon as there is room
    kIdle,  // nothing now: call again after wake_fd() is readable or idle_wait() is over
    kEnd,   // nothing ever again
  };
  // Emits about one batch. Positions behind what was emitted are what before_snapshot() records.
  virtual Result<Poll> poll(Emitter& out) = 0;

  virtual SplitView split() const { return {}; }
  // A source that knows how far event time has come says so; its rows do not move it then. Nothing: they do.
  virtual std::optional<Microseconds> promised() const { return std::nullopt; }
  // False once nothing can come from the split any more: it holds no watermark back.
  virtual bool split_open(std::uint64_t /*split*/) const { return true; }
  virtual int wake_fd() const { return -1; }
  virtual Microseconds idle_wait() const { return 10'000; }

  // Records that are there to be read and were not yet, as well as it can tell; nothing: it cannot. Asked for about
  // twice a second.
  virtual std::optional<std::uint64_t> pending_records() { return {}; }

  // Where in the job's spool it would go on; input 0: it reads none, or has not begun.
  virtual SpoolPosition spool_position() const { return {}; }

  virtual Status on_restored() { return {}; }
  virtual Status before_snapshot() { return {}; }             // positions into the state tables
  virtual Status on_complete(Epoch /*epoch*/) { return {}; }  // acknowledge upstream up to it
};

// Order of calls:  on_restored? ( on_batch | on_watermark | prepare )* on_end?
// with commit() running on the kit's commit thread at any time between them, never twice at once.
class Sink {
 public:
  virtual ~Sink() = default;

  virtual Status on_batch(std::size_t input, Batch batch, Emitter& out) = 0;

  // Event time has reached `watermark` on all inputs; kEndOfTime before on_end(). What it had reached before a restore
  // comes again only as it rises.
  virtual Status on_watermark(Microseconds /*watermark*/) { return {}; }

  // Everything received since the last prepare belongs to `epoch`: make it ready to be committed
  // (in state tables, or in synced files recorded there). Must not make it visible.
  virtual Status prepare(Epoch epoch) = 0;

  // Checkpoint `epoch` is durable: make all prepared epochs up to it visible, once, whatever
  // happened before. Runs on the commit thread and may block.
  virtual Status commit(Epoch epoch) = 0;

  // Called on the loop thread when commit(epoch) has returned OK: drop what is no longer needed
  // from the state tables.
  virtual Status committed(Epoch /*epoch*/) { return {}; }

  // The state tables hold checkpoint `epoch` (Epoch(0): none, a fresh run). Discard everything
  // prepared later; what was prepared up to it will be committed again.
  virtual Status on_restored(Epoch epoch) = 0;

  // Falling back behind a checkpoint that may have been committed: take back everything of
  // epochs > `epoch`. Errors: kFailed with the reason if this sink cannot.
  virtual Status rewind(Epoch epoch) = 0;

  // The user accepts that rows come twice: what rewind() could not take back stays, and the rows to
  // come go behind it. Called between rewind() and on_restored().
  virtual void accept_duplicates() {}

  // Under a supervisor: no input waits at the moment. Called often.
  virtual Status on_idle() { return {}; }

  // Plain mode and hand-wired mode have no checkpoints: everything so far becomes visible now.
  virtual Status flush() { return {}; }
  virtual Status on_end() { return {}; }
};

enum class StageKind : std::uint8_t { kSource, kOperator, kSink };

// What an example reads; the manual shows it.
struct ExampleFile {
  std::string_view name;
  std::string_view text;  // whole lines
};

// Every example is run by a test, in a folder that holds the program's example files and nothing else.
struct Example {
  std::string_view command;      // one shell line
  std::string_view explanation;  // one sentence
  std::string_view output = {};  // what it prints, in whole lines; the line "..." at its end stands for more of them
};

// One executable. Exactly the maker of its kind is set.
struct StageProgram {
  std::string_view name;         // "filter"; the executable is stream-filter
  std::string_view summary;      // after "stream-filter \- ": lower case, no full stop
  std::string_view description;  // man page text: paragraphs separated by blank lines
  StageKind kind = StageKind::kOperator;
  std::span<const Option> options = {};
  std::span<const std::string_view> outputs = {};  // named outputs beside "out" and "errors"
  // A kSelect whose names are outputs, behind `outputs`; or a kColumns whose items are, without what a dot ends.
  std::string_view outputs_option = {};
  std::size_t inputs_max = 1;  // 0 for sources; more than 1: named inputs
  std::span<const Example> examples = {};
  std::span<const ExampleFile> example_files = {};
  bool passes_lines = false;  // its rows are input rows unchanged: plain text passes byte for byte

  Status (*before_plain)(Values&) = nullptr;  // outside a job, before anything is planned or read
  PlanAnswer (*plan)(const PlanRequest&) = nullptr;
  Result<std::unique_ptr<Source>> (*make_source)(Context&) = nullptr;
  Result<std::unique_ptr<Operator>> (*make_operator)(Context&) = nullptr;
  Result<std::unique_ptr<Sink>> (*make_sink)(Context&) = nullptr;
};

// The whole main() of a stage: parses, runs in the mode the arguments ask for, returns the exit
// code. Catches whatever third-party code throws.
int stage_main(const StageProgram& program, int argc, char** argv);

}  // namespace stream
