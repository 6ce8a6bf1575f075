#include "stages/lua/lua.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "stages/format/print_value.h"
#include "stages/kit/row_text.h"

namespace stream {
namespace {

constexpr std::chrono::milliseconds kCallPatience(2000);
constexpr Microseconds kTurn = 50'000;  // about the longest

void tell_of_long_call() {
  std::fprintf(stderr,
               "stream-lua: warning: the script does not come back from a call; until it does the stage shows no sign "
               "of life\n");
}

}  // namespace

Result<std::unique_ptr<Operator>> Lua::make(Context& context) {
  PlanError error;
  auto settings = lua_settings(context.options, *context.inputs[0], context.folder, context.stage, &error);
  if (!settings) return usage_error("option '" + error.option + "': " + error.message);
  std::unique_ptr<Lua> lua(new Lua(context, *std::move(settings)));
  STREAM_TRY(lua->load(context));
  return std::unique_ptr<Operator>(std::move(lua));
}

Lua::Lua(Context& context, LuaSettings settings)
    : settings_(std::move(settings)),
      input_(context.inputs[0]),
      clock_(context.clock),
      metrics_(context.metrics),
      results_(context.outputs[0]),
      row_columns_(input_->fields.size()),
      key_columns_(settings_.by.size() + 1),
      due_keys_(settings_.by.size()),
      time_(input_->time),
      watch_(kCallPatience, tell_of_long_call) {
  std::iota(due_keys_.begin(), due_keys_.end(), std::size_t{0});
  if (!settings_.by.empty()) state_.emplace(settings_, context.state);
}

Status Lua::load(const Context& context) {
  ScriptShape shape;
  shape.input = input_->fields;
  shape.results = settings_.results.fields;
  for (const Field& field : shape.results) {
    const auto place = context.outputs[0] ? context.outputs[0]->find(field.name) : std::nullopt;
    shape.result_places.push_back(place ? static_cast<int>(*place) : -1);
  }
  for (const std::size_t column : settings_.by) shape.key.push_back(input_->fields[column]);
  shape.state = settings_.state;
  shape.entries = settings_.entries;
  shape.keyed = state_.has_value();
  shape.trusted = context.options.flag("trusted");
  connect();
  STREAM_ASSIGN(script_, Script::load(settings_.text, settings_.name, shape, bridge_));
  return {};
}

void Lua::connect() {
  LuaBridge& b = bridge_;
  b.self = this;
  b.row = row_columns_.data();
  b.key = key_columns_.data();
  b.watermark = static_cast<double>(watermark_);
  b.text = [](void* s, std::int32_t from_key, std::int32_t column) {
    Lua& lua = self(s);
    const std::size_t at =
        from_key != 0 ? lua.due_keys_[static_cast<std::size_t>(column)] : static_cast<std::size_t>(column);
    const std::string_view text = lua.text_of(lua.batch_->columns[at]);
    lua.bridge_.length = static_cast<std::int32_t>(text.size());
    return text.data();
  };
  b.put_null = [](void* s, std::int32_t k) { self(s).results_.column(k).append_null(); };
  b.put_integer = [](void* s, std::int32_t k, std::int64_t value) {
    ColumnBuilder& column = self(s).results_.column(k);
    switch (column.type().width()) {
      case 1: return column.append(static_cast<std::uint8_t>(value));
      case 4: return column.append(static_cast<std::int32_t>(value));
      default: return column.append(value);
    }
  };
  b.put_double = [](void* s, std::int32_t k, double value) { self(s).results_.column(k).append(value); };
  b.put_text = [](void* s, std::int32_t k, const char* text, std::int32_t size) {
    return append_text({text, static_cast<std::size_t>(size)}, self(s).results_.column(k)) ? 1 : 0;
  };
  b.end_row = [](void* s) { self(s).results_.end_row(self(s).bridge_.at); };
  b.enter = [](void* s, std::int32_t row) { self(s).enter(static_cast<std::size_t>(row)); };
  b.state_has = [](void* s, std::int32_t k) { return self(s).state_->has(static_cast<std::size_t>(k)) ? 1 : 0; };
  b.state_integer = [](void* s, std::int32_t k) { return self(s).state_->integer(static_cast<std::size_t>(k)); };
  b.state_double = [](void* s, std::int32_t k) { return self(s).state_->real(static_cast<std::size_t>(k)); };
  b.state_text = [](void* s, std::int32_t k) {
    const std::string_view text = self(s).state_->text(static_cast<std::size_t>(k));
    self(s).bridge_.length = static_cast<std::int32_t>(text.size());
    return text.data();
  };
  b.state_put_null = [](void* s, std::int32_t k) { self(s).state_->put_null(static_cast<std::size_t>(k)); };
  b.state_put_integer = [](void* s, std::int32_t k, std::int64_t value) {
    self(s).state_->put_integer(static_cast<std::size_t>(k), value);
  };
  b.state_put_double = [](void* s, std::int32_t k, double value) {
    self(s).state_->put_real(static_cast<std::size_t>(k), value);
  };
  b.state_put_text = [](void* s, std::int32_t k, const char* text, std::int32_t size) {
    return self(s).state_->put_text(static_cast<std::size_t>(k), {text, static_cast<std::size_t>(size)}) ? 1 : 0;
  };
  b.forget = [](void* s) {
    if (self(s).state_) self(s).state_->forget();
  };
  b.set_timer = [](void* s, std::int64_t time, std::int32_t wall) {
    Lua& lua = self(s);
    if (lua.watermark_ == kEndOfTime) return 0;  // no later time will come
    if (wall != 0) {
      lua.state_->set_alarm(time);
    } else {
      lua.state_->set_timer(time);
    }
    return 1;
  };
  b.count = [](void* s, const char* name, std::int32_t size, std::int64_t by) {
    return self(s).metrics_->count({name, static_cast<std::size_t>(size)}, by) ? 1 : 0;
  };
  b.gauge = [](void* s, const char* name, std::int32_t size, double value) {
    return self(s).metrics_->gauge({name, static_cast<std::size_t>(size)}, value) ? 1 : 0;
  };
  b.meter = [](void* s, const char* name, std::int32_t size, std::int64_t events) {
    return self(s).metrics_->meter({name, static_cast<std::size_t>(size)}, events) ? 1 : 0;
  };
  b.histogram = [](void* s, const char* name, std::int32_t size, double value) {
    return self(s).metrics_->histogram({name, static_cast<std::size_t>(size)}, value) ? 1 : 0;
  };
  b.entry_integer = [](void* s, std::int64_t item, std::int32_t how) { return self(s).on_entry(item, how); };
  b.entry_text = [](void* s, const char* item, std::int32_t size, std::int32_t how) {
    const std::string_view text(item, static_cast<std::size_t>(size));
    return how == kMakeEntry && !is_varchar(text) ? -1 : self(s).on_entry(text, how);
  };
  b.entries = [](void* s) { return static_cast<std::int32_t>(self(s).state_->count_entries()); };
  b.item_integer = [](void* s, std::int32_t number) {
    return self(s).state_->item_integer(static_cast<std::size_t>(number));
  };
  b.item_text = [](void* s, std::int32_t number) {
    const std::string_view text = self(s).state_->item_text(static_cast<std::size_t>(number));
    self(s).bridge_.length = static_cast<std::int32_t>(text.size());
    return text.data();
  };
  b.now = [](void* s) { return self(s).clock_.wall_us(); };
}

std::int32_t Lua::on_entry(const Cell& item, std::int32_t how) {
  if (how == kFindEntry) return state_->find_entry(item) ? 1 : 0;
  if (how == kDropEntry) return state_->drop_entry(item) ? 1 : 0;
  state_->make_entry(item);
  return 1;
}

void Lua::enter(std::size_t row) {
  // Of a timer its own time counts, of a row that of its event, and where it has none how far event time has come.
  Microseconds time = watermark_;
  const std::size_t times = batch_->schema == input_ ? time_.value_or(SIZE_MAX) : settings_.by.size();
  if (times != SIZE_MAX && batch_->columns[times].valid(row)) time = batch_->columns[times].value<std::int64_t>(row);
  state_->enter(row, time);
}

std::string_view Lua::text_of(const Column& column) {
  const auto row = static_cast<std::size_t>(bridge_.at);
  text_.resize(format::printed_size(column, row));
  const char* const end = format::print_value(text_.data(), column, row);
  return {text_.data(), static_cast<std::size_t>(end - text_.data())};
}

std::optional<std::string> Lua::call(Script::Function function, std::int32_t first) {
  watch_.begin();
  auto error = script_->call(function, first);
  watch_.end();
  return error;
}

void Lua::begin(const Batch& batch, std::vector<LuaColumn>& columns, std::span<const std::size_t> keys) {
  batch_ = &batch;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const Column& column = batch.columns[i];
    columns[i] = {column.has_nulls() ? column.validity_buffer().data() : nullptr,
                  column.type().variable() ? column.offsets() : nullptr, column.values_buffer().data()};
  }
  results_.begin();
  if (state_) state_->begin(batch, keys);
}

Status Lua::run(Script::Function function, std::size_t from, std::size_t to, Emitter& out) {
  bridge_.rows = static_cast<std::int32_t>(to);
  for (auto first = static_cast<std::int32_t>(from); first < bridge_.rows; first = bridge_.at + 1) {
    auto error = call(function, first);
    if (!error) break;
    results_.failed(bridge_.at);
    Status reported = out.bad_record({*std::move(error), "", row_text(*batch_, static_cast<std::size_t>(bridge_.at))});
    if (reported.ok()) continue;
    STREAM_TRY(results_.emit(out));
    return reported;
  }
  return {};
}

Status Lua::give(Emitter& out) {
  STREAM_TRY(results_.emit(out));
  if (!results_.empty() && left_ == Left::kNothing) left_ = Left::kResults;
  return {};
}

Status Lua::on_batch(std::size_t /*input*/, Batch batch, Emitter& out) {
  rows_ = std::move(batch);
  rows_.schema = input_;
  next_ = 0;
  begin(rows_, row_columns_, settings_.by);
  return work(out);
}

// A slow script has its turn as any other, between signs of life: it is given as many rows at once as take a part of
// that, which is all of a batch for most.
Status Lua::work(Emitter& out) {
  const Clock& clock = system_clock();
  const Microseconds begin = clock.monotonic_us();
  for (Microseconds now = begin; next_ < rows_.rows && now - begin < kTurn;) {
    const std::size_t to = std::min(rows_.rows, next_ + at_once_);
    STREAM_TRY(run(Script::Function::kRow, next_, to, out));
    const Microseconds took = clock.monotonic_us() - now;
    if (took < kTurn / 4 && to - next_ == at_once_ && at_once_ < kBatchRowsMax) at_once_ *= 2;
    if (took > kTurn && at_once_ > 1) at_once_ /= 2;
    next_ = to;
    now += took;
  }
  left_ = next_ < rows_.rows ? Left::kRows : Left::kNothing;
  if (left_ == Left::kNothing) {
    rows_ = Batch();
    next_ = 0;
  }
  return give(out);
}

Status Lua::on_watermark(Microseconds watermark, Emitter& out) {
  watermark_ = watermark;
  bridge_.watermark = static_cast<double>(watermark);
  if (!state_) return {};
  left_ = Left::kTimers;
  return fire(out);
}

std::optional<Microseconds> Lua::due() const { return state_ ? state_->next_alarm() : std::nullopt; }

Status Lua::on_time(Microseconds now, Emitter& out) {
  now_ = now;
  left_ = Left::kAlarms;
  return fire(out);
}

// One time after the other, so that a timer set on the way has its turn.
Status Lua::fire(Emitter& out) {
  const bool alarms = left_ == Left::kAlarms;
  const auto function = alarms ? Script::Function::kAlarm : Script::Function::kTimer;
  while (results_.empty() || !out.full()) {
    const Batch due = alarms ? state_->due_alarms(now_) : state_->due_timers(watermark_);
    if (due.rows == 0) {
      left_ = Left::kNothing;
      if (!alarms) state_->forget_before(watermark_);
      return give(out);
    }
    if (script_->has(function)) {
      begin(due, key_columns_, due_keys_);
      STREAM_TRY(run(function, 0, due.rows, out));
    }
    STREAM_TRY(results_.emit(out));
  }
  return {};
}

Status Lua::more(Emitter& out) {
  STREAM_TRY(results_.emit(out));
  if (!results_.empty()) return {};
  if (left_ == Left::kRows) return work(out);
  if (left_ == Left::kTimers || left_ == Left::kAlarms) return fire(out);
  left_ = Left::kNothing;
  return {};
}

Status Lua::on_end(Emitter& out) {
  if (script_->has(Script::Function::kEnd)) {
    if (const auto error = call(Script::Function::kEnd, 0)) STREAM_TRY(out.bad_record({*error, "", ""}));
  }
  return give(out);
}

}  // namespace stream
