// KeyedState: what a script keeps for the keys of a batch, and the timers it sets for them.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "snapshot/state_table.h"
#include "stages/kit/batch_groups.h"
#include "stages/kit/stage.h"
#include "stages/lua/kept_rows.h"
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

  // Of the key entered; columns as the script counts them: those of its state, then the values of its entries, which
  // are those of the entry found or made last.
  bool has(std::size_t column) const { return place(column).rows->has(place(column).row, place(column).column); }
  std::int64_t integer(std::size_t column) const;
  double real(std::size_t column) const;
  std::string_view text(std::size_t column) const;
  void put_null(std::size_t column);
  void put_integer(std::size_t column, std::int64_t value);
  void put_real(std::size_t column, double value);
  bool put_text(std::size_t column, std::string_view text);
  // Drops its state and its entries.
  void forget();

  // The entry `item` of the key entered. find: false if there is none.
  bool find_entry(const Cell& item);
  void make_entry(const Cell& item);
  bool drop_entry(const Cell& item);
  // How many entries there are; their items are then read by number, ascending.
  std::size_t count_entries();
  std::int64_t item_integer(std::size_t number) const { return std::get<std::int64_t>(items_[number]); }
  std::string_view item_text(std::size_t number) const { return std::get<std::string_view>(items_[number]); }

  void set_timer(Microseconds time) { set(*timers_, time); }
  void set_alarm(Microseconds time) { set(*alarms_, time); }

  // Takes the timers of the earliest time out, if that is at most `until`: a batch of their keys and times; no rows
  // where there is none.
  Batch due_timers(Microseconds until) { return take_due(*timers_, until); }
  Batch due_alarms(Microseconds until) { return take_due(*alarms_, until); }
  std::optional<Microseconds> next_alarm() const { return alarms_->first_time(); }
  void forget_before(Microseconds watermark);

 private:
  struct Place {
    KeptRows* rows;
    Row row;
    std::size_t column;
  };
  Place place(std::size_t column) const;
  Place place_to_write(std::size_t column);
  void set(StateTable& table, Microseconds time);
  std::vector<Cell> key() const;
  std::vector<Cell> key_and(const Cell& last) const;
  Batch take_due(StateTable& table, Microseconds until) const;

  const LuaSettings& settings_;
  mutable std::optional<KeptRows> kept_;  // where the script declares some
  mutable std::optional<KeptRows> entries_;
  StateTable* timers_;
  StateTable* alarms_;
  SchemaPtr due_schema_;
  BatchGroups groups_;
  std::vector<Row> rows_;  // by group
  const Batch* batch_ = nullptr;
  std::vector<std::size_t> key_columns_;
  std::size_t at_ = 0;
  std::uint32_t group_ = 0;
  Microseconds time_ = 0;
  Row entry_;
  std::vector<Cell> items_;
};

}  // namespace stream
