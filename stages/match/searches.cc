// The searches of all sequences, a round at a time: each goes on until its next row must be compared with others;
// then what all of them ask is computed together.
#include <algorithm>

#include "stages/kit/row_text.h"
#include "stages/match/match.h"

namespace stream {

Status Match::round(Emitter& out) {
  std::vector<OpenRows*> still;
  waiting_.clear();
  for (OpenRows* sequence : active_) {
    STREAM_ASSIGN(const Settled settled, settle(*sequence, out));
    if (settled != Settled::kIdle) {
      still.push_back(sequence);
      continue;
    }
    sequence->active = false;
    // What is looked back at stays in the table, and is found there.
    if (sequence->rows() == 0) sequences_.erase(std::string(sequence->key));
  }
  active_ = std::move(still);
  return waiting_.empty() ? Status() : answer(out);
}

Result<Match::Settled> Match::settle(OpenRows& sequence, Emitter& out) {
  Search& search = sequence.search;
  while (sequence.rows() > 0) {
    if (results_.full()) return Settled::kFull;
    if (search.decided()) {
      STREAM_TRY(finish(sequence, out));
    } else if (search.rows() == 0 && (sequence.holds(0) & may_begin_) == 0) {
      sequence.drop(1);
    } else if (search.rows() < sequence.rows()) {
      if (!try_row(sequence)) return Settled::kWaiting;
    } else if (complete(sequence)) {
      search.stop();
    } else {
      return Settled::kIdle;
    }
  }
  return Settled::kIdle;
}

// Takes the next row. False if it must be compared with others first.
bool Match::try_row(OpenRows& sequence) {
  Search& search = sequence.search;
  const std::uint32_t row = search.rows();
  if (design_.within && row > 0 && sequence.time(row) - sequence.time(0) >= *design_.within) {
    search.stop();
    return true;
  }
  search.look_ahead(trials_);
  const std::int64_t holds = sequence.holds(row);
  bool compares = false;
  for (Search::Trial& trial : trials_) {
    const std::size_t variable = design_.pattern.variable_of[trial.position];
    trial.holds = ((holds >> variable) & 1) != 0;
    if (!trial.holds || compared_.which().empty()) continue;
    const MatchHistory* before = search.history(trial.way);
    trial.history = before != nullptr ? *before : compared_.begin();
    compared_.add(trial.history, sequence, row, variable);
    compares |= design_.expressions.conditions[variable].of_values.has_value();
  }
  if (!compares) {
    search.step(trials_);
    return true;
  }
  waiting_.push_back({&sequence, std::move(trials_)});
  trials_ = {};
  return false;
}

// Whether no row that comes can belong to a match that begins at the first one.
bool Match::complete(const OpenRows& sequence) const {
  if (horizon_ == kEndOfTime) return true;
  Microseconds latest = 0;
  return design_.within && !__builtin_sub_overflow(horizon_, *design_.within, &latest) && sequence.time(0) <= latest;
}

Status Match::finish(OpenRows& sequence, Emitter& out) {
  const auto match = sequence.search.match();
  if (sequence.search.overflow()) {
    STREAM_TRY(report(sequence, 0, "more than 2000 ways to match the rows that begin here", out));
  }
  if (match) results_.add(sequence, *match);
  sequence.drop(match ? rows_to_skip(*match) : 1);
  sequence.search.restart();
  return {};
}

std::size_t Match::rows_to_skip(std::span<const std::uint32_t> variables) const {
  using To = MatchSkip::To;
  if (design_.skip.to == To::kPastLastRow) return variables.size();
  std::size_t at = 0;
  for (std::size_t row = 0; design_.skip.to != To::kNextRow && row < variables.size(); ++row) {
    if (variables[row] != design_.skip.variable) continue;
    at = row;
    if (design_.skip.to == To::kFirst) break;
  }
  return std::max<std::size_t>(at, 1);  // never to the same row again
}

Status Match::answer(Emitter& out) {
  std::vector<std::vector<Asked>> asked(design_.pattern.variables.size());
  for (std::uint32_t i = 0; i < waiting_.size(); ++i) {
    const std::vector<Search::Trial>& trials = waiting_[i].trials;
    for (std::uint32_t t = 0; t < trials.size(); ++t) {
      const std::size_t variable = design_.pattern.variable_of[trials[t].position];
      if (trials[t].holds && design_.expressions.conditions[variable].of_values) asked[variable].push_back({i, t});
    }
  }
  for (std::size_t variable = 0; variable < asked.size(); ++variable) {
    if (!asked[variable].empty()) STREAM_TRY(answer(variable, asked[variable], out));
  }
  for (Waiting& waiting : waiting_) waiting.sequence->search.step(waiting.trials);
  return {};
}

// A condition that cannot be computed is not met.
Status Match::answer(std::size_t variable, std::span<const Asked> asked, Emitter& out) {
  const Expression& condition = *design_.expressions.conditions[variable].of_values;
  Batch values{nullptr, asked.size(), std::vector<Column>(design_.expressions.values.size()), {}};
  std::vector<RowError> errors;
  const std::vector<std::size_t> needed = condition.columns();
  for (std::size_t i = 0; i < compared_.which().size(); ++i) {
    const std::size_t value = compared_.which()[i];
    if (!std::ranges::binary_search(needed, value)) continue;
    ColumnBuilder builder(design_.expressions.values[value].type, asked.size());
    for (std::uint32_t row = 0; row < asked.size(); ++row) {
      const Waiting& waiting = waiting_[asked[row].waiting];
      const MatchHistory& history = waiting.trials[asked[row].trial].history;
      const char* reason = compared_.append(history, *waiting.sequence, i, builder);
      if (reason != nullptr) errors.push_back({row, reason});
    }
    values.columns[value] = builder.finish();
  }
  std::vector<std::uint32_t> met;
  condition.select(values, &met, &errors);
  merge_row_errors(errors);
  for (const Asked& one : asked) waiting_[one.waiting].trials[one.trial].holds = false;
  for (const std::uint32_t row : met) waiting_[asked[row].waiting].trials[asked[row].trial].holds = true;
  for (const RowError& error : errors) {
    const Asked& one = asked[error.row];
    waiting_[one.waiting].trials[one.trial].holds = false;
    OpenRows& sequence = *waiting_[one.waiting].sequence;
    STREAM_TRY(report(sequence, sequence.search.rows(), error.reason, out));
  }
  return {};
}

// Once a row, however often it is looked at; what is kept of it says whether it was.
Status Match::report(OpenRows& sequence, std::size_t index, const char* reason, Emitter& out) {
  const std::int64_t holds = sequence.holds(index);
  if ((holds & kReported) != 0) return {};
  const Row row = sequence.row(index);
  table_.set<std::int64_t>(row, design_.holds, holds | kReported);
  Schema schema;
  Batch one{nullptr, 1, {}, {}};
  for (std::size_t column = 0; column < design_.columns.size(); ++column) {
    if (design_.columns[column] == kNone) continue;
    schema.fields.push_back(design_.input.fields[column]);
    one.columns.push_back(table_.gather({&row, 1}, design_.columns[column]));
  }
  one.schema = std::make_shared<const Schema>(std::move(schema));
  return out.bad_record({reason, "", row_text(one, 0)});
}

}  // namespace stream
