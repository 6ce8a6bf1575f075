// Lua: a function of the user's for every row, with state and timers for every key.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "stages/kit/stage.h"
#include "stages/lua/call_watch.h"
#include "stages/lua/keyed_state.h"
#include "stages/lua/results.h"
#include "stages/lua/script.h"
#include "stages/lua/settings.h"

namespace stream {

class Lua final : public Operator {
 public:
  static Result<std::unique_ptr<Operator>> make(Context& context);

  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;
  Status on_watermark(Microseconds watermark, Emitter& out) override;
  std::optional<Microseconds> due() const override;
  Status on_time(Microseconds now, Emitter& out) override;
  Status on_end(Emitter& out) override;
  bool has_more() const override { return left_ != Left::kNothing; }
  Status more(Emitter& out) override;
  std::size_t rows_left() const override { return rows_.rows - next_; }

 private:
  enum class Left : std::uint8_t { kNothing, kResults, kRows, kTimers, kAlarms };

  Lua(Context& context, LuaSettings settings);
  Status load(const Context& context);
  void connect();
  template <class T>
  static Lua& self(T* pointer) {
    return *static_cast<Lua*>(pointer);
  }
  void enter(std::size_t row);
  std::int32_t on_entry(const Cell& item, std::int32_t how);
  std::string_view text_of(const Column& column);
  std::optional<std::string> call(Script::Function function, std::int32_t first);
  // The rows of `batch`, which stays, come; then run() with some of them.
  void begin(const Batch& batch, std::vector<LuaColumn>& columns, std::span<const std::size_t> keys);
  Status run(Script::Function function, std::size_t from, std::size_t to, Emitter& out);
  Status work(Emitter& out);
  Status fire(Emitter& out);
  Status give(Emitter& out);

  const LuaSettings settings_;
  const SchemaPtr input_;
  const Clock& clock_;
  std::shared_ptr<UserMetrics> metrics_;
  LuaResults results_;
  std::optional<KeyedState> state_;
  LuaBridge bridge_;
  std::vector<LuaColumn> row_columns_;
  std::vector<LuaColumn> key_columns_;
  std::vector<std::size_t> due_keys_;  // 0, 1, … as many as key columns
  std::unique_ptr<Script> script_;
  const Batch* batch_ = nullptr;  // that is worked on
  Batch rows_;                    // of the input
  std::size_t next_ = 0;          // of these
  std::size_t at_once_ = 64;      // so many of them are given to the script
  std::optional<std::size_t> time_;
  CallWatch watch_;
  std::string text_;
  Microseconds watermark_ = kNoWatermark;
  Microseconds now_ = 0;
  Left left_ = Left::kNothing;
};

}  // namespace stream
