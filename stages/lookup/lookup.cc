#include "stages/lookup/lookup.h"

#include <poll.h>

#include <cstdio>
#include <numeric>

#include "stages/kit/batch_groups.h"

namespace stream {
namespace {

constexpr int kMomentMs = 10;                // control is served so often while rows are waited for
constexpr Microseconds kLookEvery = 20'000;  // whether a reference has been read again

LookupSettings settings_of(const Context& context) {
  LookupSettings settings;
  const Values& options = context.options;
  if (options.has("refresh")) settings.refresh = options.duration("refresh");
  if (options.has("cache")) settings.cache_rows = static_cast<std::uint64_t>(options.integer("cache"));
  if (options.has("expire")) settings.expire = options.duration("expire");
  settings.bytes_max = context.memory_bytes;
  return settings;
}

SchemaPtr shared(const Schema& schema) { return std::make_shared<const Schema>(schema); }

}  // namespace

Result<std::unique_ptr<Operator>> Lookup::make(Context& context) {
  std::vector<PlanError> errors;
  const Reference reference = reference_of(context.options, context.folder, errors);
  if (!errors.empty()) return usage_error("option '" + errors[0].option + "': " + errors[0].message);
  STREAM_ASSIGN(const Schema columns, find_reference_schema(reference));
  const std::vector<std::string> wanted = context.outputs[0] ? context.outputs[0]->names() : std::vector<std::string>();
  PlanError error;
  auto design =
      design_lookup(context.options, {context.input_names[0], *context.inputs[0]}, reference, columns, &wanted, &error);
  if (!design) return usage_error("option '" + error.option + "': " + error.message);
  auto reader = make_reader(reference, shared(design->read), design->key);
  return std::unique_ptr<Operator>(std::make_unique<Lookup>(*std::move(design), context.outputs[0], std::move(reader),
                                                            settings_of(context), context.clock));
}

Lookup::Lookup(LookupDesign design, SchemaPtr output, std::unique_ptr<ReferenceReader> reader, LookupSettings settings,
               const Clock& clock)
    : design_(std::move(design)),
      settings_(settings),
      clock_(clock),
      schema_(shared(design_.read)),
      rows_(design_, std::move(output)),
      refresh_(settings.refresh),
      loader_(design_, schema_, std::move(reader), settings.bytes_max) {
  if (settings_.cache_rows != 0) {
    cache_.emplace(schema_, design_.key, settings_.cache_rows, settings_.expire);
  } else {
    refresh_.want(clock_.wall_us());
    begin_reading();
  }
}

void Lookup::begin_reading() {
  refresh_.begun();
  if (cache_) {
    loader_.read_keys(missing_);
  } else {
    loader_.read_all();
  }
}

std::optional<Microseconds> Lookup::due() const {
  if (cache_) return std::nullopt;  // something is read for a batch only, which more() sees to
  return refresh_.reading() ? std::optional(looked_at_ + kLookEvery) : refresh_.due();
}

Status Lookup::on_time(Microseconds /*now*/, Emitter& /*out*/) { return look(); }

// Takes what has been read, and begins to read what is due.
Status Lookup::look() {
  const Microseconds now = clock_.wall_us();
  looked_at_ = now;
  STREAM_ASSIGN(auto outcome, loader_.take());
  if (outcome) STREAM_TRY(take_outcome(*std::move(outcome), now));
  if (refresh_.due_at(now)) begin_reading();
  return {};
}

Status Lookup::take_outcome(Loader::Outcome outcome, Microseconds now) {
  if (!outcome.status.ok()) {
    STREAM_TRY(refresh_.failed(now, outcome.status, table_ != nullptr));
    warn(outcome.status, now);
    return {};
  }
  refresh_.succeeded(now);
  if (cache_) return look_up_cached(std::move(outcome.rows), now);
  if (outcome.table) table_ = std::move(outcome.table);
  return {};
}

void Lookup::warn(const Status& why, Microseconds now) {
  if (!warning_limit_.happened(now)) return;
  std::fprintf(stderr, "stream-lookup: warning: %s; %s\n", why.what().c_str(),
               table_ ? "going on with what was read before" : "trying again");
}

Status Lookup::on_batch(std::size_t /*input*/, Batch batch, Emitter& out) {
  looked_up_ = false;
  STREAM_TRY(rows_.take(std::move(batch), out));
  if (rows_.done()) return {};
  if (cache_) find_cached();
  if (cache_ && missing_.rows == 0) {
    STREAM_TRY(look_up_cached({}, clock_.wall_us()));
  } else if (cache_) {
    refresh_.want(clock_.wall_us());
    begin_reading();
  }
  return more(out);
}

Status Lookup::more(Emitter& out) {
  if (!looked_up_ && !table_) {
    if (refresh_.reading()) wait_a_moment();
    STREAM_TRY(look());
  }
  if (!looked_up_ && table_) {
    rows_.look_up(table_);
    looked_up_ = true;
  }
  return looked_up_ ? rows_.emit_some(out) : Status();
}

void Lookup::wait_a_moment() const {
  pollfd waits{loader_.wake_fd(), POLLIN, 0};
  ::poll(&waits, 1, kMomentMs);
}

// The batch's different keys, and which of them have to be read.
void Lookup::find_cached() {
  const Batch& all = rows_.keys();
  std::vector<std::size_t> columns(all.columns.size());
  std::iota(columns.begin(), columns.end(), std::size_t{0});
  BatchGroups groups;
  groups.make(all, columns);
  std::vector<std::uint32_t> first;
  std::vector<std::uint64_t> hashes;
  for (std::size_t group = 0; group < groups.count(); ++group) {
    if (any_null(all, columns, groups.first()[group])) continue;
    first.push_back(groups.first()[group]);
    hashes.push_back(groups.hashes()[group]);
  }
  const Batch keys = all.take(first);
  cached_.clear();
  const std::vector<std::uint32_t> missing = cache_->find(keys, hashes, clock_.wall_us(), cached_);
  missing_ = keys.take(missing);
  missing_hashes_.clear();
  for (const std::uint32_t position : missing) missing_hashes_.push_back(hashes[position]);
}

Status Lookup::look_up_cached(std::vector<Batch> read, Microseconds now) {
  if (missing_.rows != 0) cache_->add(missing_, missing_hashes_, read, now);
  missing_ = {};
  for (Batch& batch : read) cached_.push_back(std::move(batch));
  STREAM_ASSIGN(auto table, ReferenceTable::make(schema_, cached_, design_.key, design_.version));
  cached_.clear();
  rows_.look_up(std::move(table));
  looked_up_ = true;
  return {};
}

}  // namespace stream
