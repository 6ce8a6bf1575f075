#include "stages/read-postgres/poll.h"

#include <algorithm>

#include "stages/kit/row_text.h"

namespace stream {
namespace {

constexpr std::size_t kPageRows = 4096;

}  // namespace

PollSource::PollSource(Context& context, Setup setup)
    : setup_(std::move(setup)), clock_(context.clock), positions_(context.state), progress_(setup_.tables.size()) {}

Status PollSource::on_restored() {
  for (std::size_t i = 0; i < progress_.size(); ++i) {
    STREAM_ASSIGN(progress_[i].after, positions_.load(setup_.tables[i].facts.table));
  }
  return {};
}

Status PollSource::before_snapshot() {
  for (std::size_t i = 0; i < progress_.size(); ++i) positions_.store(setup_.tables[i].facts.table, progress_[i].after);
  return {};
}

std::string PollSource::page_query(const Table& table, bool first) const {
  std::string columns;
  for (const Field& field : table.facts.columns) columns += (columns.empty() ? "" : ", ") + pg_name(field.name);
  std::string order;
  std::string marks;
  std::string there;
  for (std::size_t i = 0; i < table.order.size(); ++i) {
    const std::string name = pg_name(table.facts.columns[table.order[i]].name);
    order += (i > 0 ? ", " : "") + name;
    marks += (i > 0 ? ", $" : "$") + std::to_string(i + 1);
    there += (i > 0 ? " AND " : "") + name + " IS NOT NULL";
  }
  return "SELECT " + columns + " FROM " + pg_table(table.facts.table) + " WHERE " +
         (first ? there : "(" + order + ") > (" + marks + ")") + " ORDER BY " + order + " LIMIT " +
         std::to_string(kPageRows);
}

Status PollSource::emit(const Table& table, const PgRows& rows, Emitter& out) {
  const auto schema = std::make_shared<const Schema>(Schema{table.facts.columns, std::nullopt, {}});
  RowReader reader(schema);
  std::vector<BatchBuilder> batches;
  for (const auto& [output, wanted] : table.outputs) batches.emplace_back(wanted);
  std::vector<std::string> texts(table.facts.columns.size());
  for (std::size_t row = 0; row < rows.size(); ++row) {
    PgTuple values;
    for (std::size_t column = 0; column < texts.size(); ++column) {
      texts[column] = rows.text(row, column);
      values.push_back({.null = rows.is_null(row, column), .text = texts[column]});
    }
    const ReadRow read = reader.read(values);
    if (!read.wrong.empty()) {
      STREAM_TRY(out.bad_record({read.wrong, table.facts.table, row_text(read.row, 0)}));
      continue;
    }
    for (BatchBuilder& batch : batches) {
      for (std::size_t i = 0; i < batch.schema()->fields.size(); ++i) {
        batch.column(i).append_from(read.row.columns[*schema->find(batch.schema()->fields[i].name)], 0);
      }
      batch.end_row();
    }
  }
  for (std::size_t i = 0; i < batches.size(); ++i) {
    if (batches[i].rows() > 0) STREAM_TRY(out.emit(batches[i].finish(), table.outputs[i].first));
  }
  return {};
}

Result<Source::Poll> PollSource::read_page(std::size_t at, Emitter& out) {
  const Table& table = setup_.tables[at];
  Progress& progress = progress_[at];
  if (server_ == nullptr) { STREAM_ASSIGN(server_, PgConnection::open(setup_.dsn, {setup_.application, false})); }
  const PgConnection::Parameters after(progress.after.begin(), progress.after.end());
  STREAM_ASSIGN(const PgRows rows, server_->query(page_query(table, after.empty()), after));
  STREAM_TRY(emit(table, rows, out));
  progress.drained = rows.size() < kPageRows;
  if (rows.size() == 0) return Poll::kMore;
  progress.after.clear();
  for (const std::size_t column : table.order) progress.after.push_back(rows.text(rows.size() - 1, column));
  return Poll::kMore;
}

// Every table in turn, until none has more.
Result<Source::Poll> PollSource::poll(Emitter& out) {
  const bool all_drained = std::ranges::all_of(progress_, &Progress::drained);
  if (all_drained && !setup_.follow) return Poll::kEnd;
  if (all_drained) {
    for (Progress& progress : progress_) progress.drained = false;
    return Poll::kIdle;
  }
  while (progress_[turn_].drained) turn_ = (turn_ + 1) % progress_.size();
  Result<Poll> page = read_page(turn_, out);
  turn_ = (turn_ + 1) % progress_.size();
  if (page.ok()) patience_.succeeded();
  if (page.ok() || !server_is_away(page.status())) return page;
  server_.reset();
  const Microseconds now = clock_.monotonic_us();
  return patience_.lasts(page.status(), now, now) ? Result<Poll>(Poll::kIdle) : page;
}

}  // namespace stream
