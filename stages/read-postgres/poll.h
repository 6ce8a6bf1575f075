// PollSource: `mode: poll` and `mode: snapshot`: rows of tables page by page, in the order of a growing column, or
// of the primary key. The last page's end is the position.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "stages/kit/patience.h"
#include "stages/kit/polled_positions.h"
#include "stages/kit/stage.h"
#include "stages/read-postgres/row_reader.h"
#include "stages/read-postgres/table_facts.h"

namespace stream {

class PollSource final : public Source {
 public:
  struct Table {
    TableFacts facts;
    std::vector<std::size_t> order;                          // columns that rise
    std::vector<std::pair<std::size_t, SchemaPtr>> outputs;  // where rows go
  };
  struct Setup {
    std::string dsn;
    std::string application;
    std::vector<Table> tables;
    bool follow = false;
    Microseconds interval = 0;
  };

  PollSource(Context& context, Setup setup);

  Result<Poll> poll(Emitter& out) override;
  Microseconds idle_wait() const override { return server_ == nullptr ? 200'000 : setup_.interval; }
  Status on_restored() override;
  Status before_snapshot() override;

 private:
  struct Progress {
    std::vector<std::string> after;
    bool drained = false;  // no more rows now
  };

  Result<Poll> read_page(std::size_t table, Emitter& out);
  std::string page_query(const Table& table, bool first) const;
  Status emit(const Table& table, const PgRows& rows, Emitter& out);

  Setup setup_;
  const Clock& clock_;
  PolledPositions positions_;
  std::vector<Progress> progress_;
  std::size_t turn_ = 0;
  std::unique_ptr<PgConnection> server_;
  Patience patience_{kServerPatience, server_is_away};
};

}  // namespace stream
