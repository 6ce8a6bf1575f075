#include "stages/aggregate/design.h"

#include <algorithm>

#include "stages/aggregate/processing_time.h"
#include "stages/kit/option_columns.h"
#include "stages/kit/option_window.h"
#include "stages/kit/row_text.h"
#include "transport/base/text.h"

namespace stream {
namespace {

// Each step returns false and leaves error() behind when something is wrong.
class Designer {
 public:
  Designer(const Values& options, const Schema& input)
      : options_(options),
        by_clock_(options.text("clock") == "processing"),
        processing_(by_clock_ && !forgets_groups()),
        columns_(input),
        input_(processing_ ? with_processing_time(input) : input) {}

  bool run(const std::string& stage, bool supervised);
  AggregateDesign& design() { return design_; }
  const PlanError& error() const { return error_; }

 private:
  bool fail(std::string option, std::string message, std::string hint = {}) {
    error_ = {std::move(option), 0, std::move(message), std::move(hint)};
    return false;
  }
  // Groups that no window of time ends, and that are to be forgotten.
  bool forgets_groups() const {
    return options_.has("ttl") && (!options_.has("window") || options_.text("window").starts_with("count"));
  }
  bool set_emit(bool supervised);
  bool set_ttl();
  bool set_early();
  bool set_window(bool supervised);
  bool compile();
  bool check_names();
  bool check_retractions();
  bool set_processing();
  bool set_count();
  bool set_event_time(bool supervised);
  bool set_slices();
  bool set_sessions();
  std::string window_text() const;

  const Values& options_;
  const bool by_clock_;
  const bool processing_;  // windows go by the clock
  const Schema& columns_;  // what may be named
  const Schema input_;     // with the time windows go by
  AggregateDesign design_;
  PlanError error_;
};

bool Designer::set_early() {
  if (!options_.has("early")) return true;
  design_.early = options_.duration("early");
  if (design_.early <= 0) return fail("early", "it must be more than nothing");
  if (!design_.window)
    return fail("early", "there is no window that has results before it ends",
                "without a window every change is emitted");
  if (design_.counted()) return fail("early", "a window of so many rows has no result before it is full");
  if (processing_) return fail("early", "it goes with windows of event time");
  if (options_.text("emit") != "final") return true;
  return fail("emit", "with early results a window that was emitted may change");
}

bool Designer::set_window(bool supervised) {
  if (!options_.has("window")) {
    if (options_.duration("lateness") != 0)
      return fail("lateness", "there is no window that could be kept for late rows");
    if (options_.text("zone") != "UTC") return fail("zone", "there is no window that could be aligned to a zone");
    if (processing_) return fail("clock", "there is no window that could go by a clock");
    return true;
  }
  const auto spec = parse_window(options_.text("window"));
  if (!spec.ok()) return fail("window", spec.status().what());
  design_.window = *spec;
  if (processing_ && !set_processing()) return false;
  return design_.counted() ? set_count() : set_event_time(supervised);
}

bool Designer::set_processing() {
  design_.processing = true;
  if (design_.counted()) return fail("clock", "a window of so many rows goes by no clock");
  if (options_.duration("lateness") != 0)
    return fail("lateness", "a row is never later than the time at which it comes");
  if (input_.changelog == Changelog::kUpdates)
    return fail("clock", "rows that may be taken back would be taken from other windows than they came to");
  return true;
}

bool Designer::set_count() {
  if (options_.duration("lateness") != 0) return fail("lateness", "rows are counted as they come: none is late");
  if (options_.text("zone") != "UTC") return fail("zone", "a window of so many rows aligns to no zone");
  if (input_.changelog == Changelog::kUpdates)
    return fail("window", "rows that may be taken back cannot be counted into windows");
  return true;
}

bool Designer::set_event_time(bool supervised) {
  if (!input_.time) {
    return fail("window", "a window needs event time, and the input has none",
                supervised ? "name the column that holds it, on the stage that reads the records: `time: COLUMN` in a "
                             "manifest, --time COLUMN in a pipeline"
                           : "name the column that holds it: --time COLUMN");
  }
  design_.time = *input_.time;
  design_.lateness = options_.duration("lateness");
  if (design_.lateness < 0) return fail("lateness", "lateness cannot be negative");
  return design_.sessions() ? set_sessions() : set_slices();
}

bool Designer::set_slices() {
  auto slices = SliceWindows::make(*design_.window, options_.text("zone"));
  if (!slices.ok()) return fail(options_.text("zone") == "UTC" ? "window" : "zone", slices.status().what());
  design_.slices = *std::move(slices);
  design_.bounds = WindowBounds::kKey;
  return true;
}

// A session that has been emitted would have to be taken back where a late row makes it one with another.
bool Designer::set_sessions() {
  design_.bounds = WindowBounds::kSession;
  if (design_.lateness != 0) {
    return fail("lateness", "a session is closed when its gap is over",
                "a gap longer than rows are late keeps it open for them");
  }
  if (options_.text("zone") != "UTC") return fail("zone", "sessions begin with a row: they align to no zone");
  if (input_.changelog == Changelog::kUpdates) {
    return fail("window", "rows that may be taken back make no sessions: what they held together cannot be told");
  }
  if (design_.window->size > kLongestWindow) return fail("window", "a window of more than 36,000 years is too long");
  return true;
}

bool Designer::set_emit(bool supervised) {
  if (!design_.window) {
    design_.updates = options_.has("emit") ? options_.text("emit") == "updates" : supervised;
    return true;
  }
  if (options_.text("emit") == "updates") {
    return fail("emit", "a window is emitted when it is complete, not at every change");
  }
  if (options_.text("emit") == "final" && design_.lateness > 0) {
    return fail("emit", "with lateness a window that was emitted may change");
  }
  return true;
}

bool Designer::set_ttl() {
  if (!options_.has("ttl")) return true;
  if (design_.windowed()) {
    return fail("ttl", "a window is forgotten when it has ended",
                "leave it out; `lateness` says how long a window is kept for late rows");
  }
  if (!design_.window && !design_.updates) {
    return fail("ttl", "a group that was forgotten would be missing when groups are told at the end",
                "with `emit: updates` every change is told; with `window: session 1h` a group is told when it is over");
  }
  return read_ttl(options_, input_, by_clock_, &design_.ttl, &error_);
}

bool Designer::compile() {
  std::vector<SelectText> items;
  for (const SelectItem& item : options_.select("compute")) items.push_back({item.name, item.text});
  SelectError error;
  auto aggregation = compile_aggregates(items, columns_, design_.by, &error);
  if (!aggregation) {
    error_ = plan_error("compute", error.error);
    return false;
  }
  design_.aggregation = *std::move(aggregation);
  return check_names();
}

bool Designer::check_names() {
  if (!design_.windowed()) return true;
  for (const char* name : {"window_start", "window_end"}) {
    for (const std::size_t column : design_.by) {
      if (input_.fields[column].name == name)
        return fail("by", "'" + std::string(name) + "' is the name of a column the window adds");
    }
    for (const AggregateOutput& output : design_.aggregation.outputs) {
      if (output.name == name)
        return fail("compute", "'" + std::string(name) + "' is the name of a column the window adds");
    }
  }
  return true;
}

// Of a sketch and of a row that was chosen cannot be told what they were before a row came.
bool Designer::check_retractions() {
  design_.retracts = input_.changelog == Changelog::kUpdates;
  design_.order = design_.windowed() ? design_.time : input_.time.value_or(kNone);
  if (!design_.retracts) return true;
  for (AggregateCall& call : design_.aggregation.calls) {
    const bool ordered = call.argument_type != kJson && call.argument_type != kBoolean;
    // Any value that is left will do: the smallest can be told.
    if (call.function == AggregateFunction::kAnyValue && ordered) call.function = AggregateFunction::kMin;
    const Keeps keeps = kept_by(call);
    if (keeps != Keeps::kRow && keeps != Keeps::kSketch) continue;
    return fail("compute", call.text + " cannot be kept where rows are taken back: the input's rows may change",
                keeps == Keeps::kSketch ? "count(distinct …) can, with a row of state for every value"
                : call.function == AggregateFunction::kAnyValue ? "bool_or() of a BOOLEAN and min() of a text can"
                                                                : "min and max can; or take the row with top-n");
  }
  return true;
}

// Equal for windows that are the same, and for no others.
std::string Designer::window_text() const {
  if (!design_.window) return "";
  const WindowSpec& window = *design_.window;
  std::string text(to_string(window.kind));
  if (design_.counted()) return text + " " + std::to_string(window.count);
  text += " " + format_duration(window.size);
  if (window.step != 0) text += " every " + format_duration(window.step);
  const std::string zone = options_.text("zone");
  return text + " of " + input_.fields[design_.time].name + (zone == "UTC" ? "" : " in " + zone);
}

bool Designer::run(const std::string& stage, bool supervised) {
  if (!find_columns(options_, "by", columns_, &design_.by, &error_) || !set_window(supervised) ||
      !set_emit(supervised) || !set_ttl() || !set_early() || !compile() || !check_retractions())
    return false;
  lay_out_tables(design_, input_, stage, window_text());
  return true;
}

}  // namespace

std::optional<AggregateDesign> design_aggregate(const Values& options, const Schema& input, const std::string& stage,
                                                bool supervised, PlanError* error) {
  Designer designer(options, input);
  if (designer.run(stage, supervised)) return std::move(designer.design());
  *error = designer.error();
  return std::nullopt;
}

}  // namespace stream
