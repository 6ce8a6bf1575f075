// Lookup: rows of the input with what a reference has for them: a table read as a whole and looked at again now
// and then, or rows asked for by key and kept for a while.
#pragma once

#include <memory>
#include <optional>

#include "stages/kit/stage.h"
#include "stages/kit/warning_limit.h"
#include "stages/lookup/loader.h"
#include "stages/lookup/lookup_rows.h"
#include "stages/lookup/refresh.h"
#include "stages/lookup/row_cache.h"

namespace stream {

PlanAnswer plan_lookup(const PlanRequest& request);

struct LookupSettings {
  std::optional<Microseconds> refresh = {};  // how often the whole reference is looked at again
  std::uint64_t cache_rows = 0;              // 0: the whole reference is read
  std::optional<Microseconds> expire = {};   // of cached rows
  std::uint64_t bytes_max = 0;
};

class Lookup final : public Operator {
 public:
  static Result<std::unique_ptr<Operator>> make(Context& context);
  // `output`: null where nothing reads it.
  Lookup(LookupDesign design, SchemaPtr output, std::unique_ptr<ReferenceReader> reader, LookupSettings settings,
         const Clock& clock);

  Status on_batch(std::size_t input, Batch batch, Emitter& out) override;
  std::optional<Microseconds> due() const override;
  Status on_time(Microseconds now, Emitter& out) override;
  bool has_more() const override { return !rows_.done(); }
  Status more(Emitter& out) override;

 private:
  Status look();
  Status take_outcome(Loader::Outcome outcome, Microseconds now);
  void begin_reading();
  void find_cached();
  Status look_up_cached(std::vector<Batch> read, Microseconds now);
  void wait_a_moment() const;
  void warn(const Status& why, Microseconds now);

  const LookupDesign design_;
  const LookupSettings settings_;
  const Clock& clock_;
  const SchemaPtr schema_;  // of the reference's rows
  LookupRows rows_;
  Refresh refresh_;
  std::optional<RowCache> cache_;
  std::shared_ptr<const ReferenceTable> table_;  // the whole reference
  bool looked_up_ = false;                       // the batch at work
  Microseconds looked_at_ = 0;                   // whether something has been read
  WarningLimit warning_limit_;

  // Of the batch at work: its different keys, those of them that are not cached, and the rows of the others.
  Batch missing_;
  std::vector<std::uint64_t> missing_hashes_;
  std::vector<Batch> cached_;

  Loader loader_;
};

}  // namespace stream
