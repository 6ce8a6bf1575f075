// KeyedState: what a script keeps for the keys of a batch, and the timers it sets for them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "snapshot/state_table.h"
#include "stages/kit/batch_groups.h"
#include "stages/kit/stage.h"
#include "stages/lua/settings.h"

namespace stream {

class StateStore;

class KeyedState {
 public:
  // `settings` and `store` outlive it.
  KeyedState(const LuaSettings& settings, StateStore& store);

  // The rows that come next have these keys. The batch outlives them.
  void begin(const Batch& batch, std::span<const std::size_t> key_columns);
  // `time`: what the age of the state counts from.
  void enter(std::size_t row, Microseconds time);

  // Of the key entered; columns as the script counts them.
  bool has(std::size_t column) const;
  std::int64_t integer(std::size_t column) const;
  double real(std::size_t column) const { return kept_->get<double>(current(), shift_ + column); }
  std::string_view text(std::size_t column);
  void put_null(std::size_t column);
  void put_integer(std::size_t column, std::int64_t value);
  void put_real(std::size_t column, double value) { kept_->set(make(), shift_ + column, value); }
  bool put_text(std::size_t column, std::string_view text);
  void forget();
  void set_timer(Microseconds time) { set(*timers_, time); }
  void set_alarm(Microseconds time) { set(*alarms_, time); }

  // Takes the timers of the earliest time out, if that is at most `until`: a batch of their keys and times; no rows
  // where there is none.
  Batch due_timers(Microseconds until) { return take_due(*timers_, until); }
  Batch due_alarms(Microseconds until) { return take_due(*alarms_, until); }
  std::optional<Microseconds> next_alarm() const { return alarms_->first_time(); }
  void forget_before(Microseconds watermark);

 private:
  Row current() const { return rows_[group_]; }
  Row make();
  void set(StateTable& table, Microseconds time);
  std::vector<Cell> key() const;
  Batch take_due(StateTable& table, Microseconds until) const;

  const LuaSettings& settings_;
  StateTable* kept_ = nullptr;  // null where nothing is kept
  StateTable* timers_;
  StateTable* alarms_;
  SchemaPtr due_schema_;
  const std::size_t shift_;  // of the script's columns in the table's
  BatchGroups groups_;
  std::vector<Row> rows_;  // by group
  const Batch* batch_ = nullptr;
  std::vector<std::size_t> key_columns_;
  std::size_t at_ = 0;
  std::uint32_t group_ = 0;
  Microseconds time_ = 0;
  std::string text_;
};

}  // namespace stream
