// Compares expressions with a real PostgreSQL server: random well-typed expressions over random
// rows, evaluated by both, must give equal texts, and errors in the same rows.
//
//   oracle-expression [SEED [COUNT]]
//
// Prints its seed. Skips, successfully, where no server is installed. What differs on purpose is
// listed in kKnown and in stream-expression(7), and counted.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "stages/expression/expression.h"
#include "tests/support/postgres_server.h"

namespace {

using namespace stream;

constexpr int kRows = 24;

// Reasons only we can have: ranges that are narrower than PostgreSQL's.
const std::set<std::string> kKnown = {"timestamp out of range", "date out of range", "decimal out of range"};

// --- random expressions ------------------------------------------------------------------------

// Types are letters as in the templates: b BOOLEAN, i BIGINT, f DOUBLE, n DECIMAL, s VARCHAR,
// t TIMESTAMP, d DATE, v INTERVAL. In a template {x} is an expression of that type, {X} one that is
// no literal (PostgreSQL computes constants while planning, also where they are not reached), {c} a
// comparison, {k} a small number, {p} a LIKE pattern, {r} a regular expression, {u} a unit of time.
const std::map<char, std::vector<std::string>>& templates() {
  static const std::map<char, std::vector<std::string>> all = {
      {'b',
       {"({I} {c} {i})",
        "({F} {c} {f})",
        "({N} {c} {n})",
        "({N} {c} {i})",
        "({I} {c} {n})",
        "({I} {c} {f})",
        "({S} {c} {s})",
        "({T} {c} {t})",
        "({D} {c} {t})",
        "({D} {c} {d})",
        "({V} {c} {v})",
        "({B} and {b})",
        "({B} or {b})",
        "(not {B})",
        "({I} is null)",
        "({S} is not null)",
        "({B} is true)",
        "({B} is not false)",
        "({B} is unknown)",
        "({I} is distinct from {i})",
        "({S} is not distinct from {s})",
        "({I} in ({i}, {i}, {i}))",
        "({S} not in ({s}, {s}))",
        "({I} in (1, 2, null))",
        "({I} between {i} and {i})",
        "({N} not between {n} and {i})",
        "({I} between symmetric {i} and {i})",
        "({S} like {p})",
        "({S} not like {p})",
        "({S} ilike {p})",
        "({S} ~ {r})",
        "({S} !~* {r})",
        "({S} similar to {p})",
        "starts_with({S}, {s})",
        "(case when {B} then {b} else {b} end)",
        "coalesce({B}, {b})",
        "({I} <> 0 and 100 / {I} > {i})",
        "regexp_like({S}, {r})",
        "({S} > 'b')",
        "({T} >= '2020-01-01')",
        "({D} < '2020-01-01')",
        "({V} > '1 day')",
        "({N} > 1.5)"}},
      {'i',
       {"({I} + {i})",
        "({I} - {i})",
        "({I} * {i})",
        "({I} / {i})",
        "({I} % {i})",
        "(- {I})",
        "abs({I})",
        "mod({I}, {i})",
        "({I} & {i})",
        "({I} | {i})",
        "({I} # {i})",
        "(case when {B} then {i} when {b} then {i} else {i} end)",
        "(case {I} when 1 then {i} when 2 then {i} end)",
        "coalesce({I}, {i})",
        "nullif({I}, {i})",
        "greatest({I}, {i}, {i})",
        "least({I}, {i})",
        "length({S})::bigint",
        "octet_length({S})::bigint",
        "ascii({S})::bigint",
        "strpos({S}, {s})::bigint",
        "position({s} in {S})::bigint",
        "{F}::bigint",
        "{N}::bigint",
        "({D} - {d})::bigint",
        "regexp_count({S}, {r})::bigint",
        "extract(year from {T})::bigint",
        "extract(dow from {T})::bigint",
        "extract(week from {T})::bigint",
        "extract(isoyear from {T})::bigint",
        "extract(doy from {D})::bigint",
        "extract(century from {T})::bigint",
        "extract(quarter from {D})::bigint",
        "extract(day from {V})::bigint",
        "extract(month from {V})::bigint",
        "width_bucket({F}, 0, 10, 5)::bigint",
        "({I} + 1)",
        "({B}::int)::bigint",
        "gcd({I}, {i})",
        "char_length({S})::bigint"}},
      {'f',
       {"({F} + {f})",
        "({F} - {f})",
        "({F} * {f})",
        "({F} / {f})",
        "(- {F})",
        "abs({F})",
        "round({F})",
        "floor({F})",
        "ceil({F})",
        "trunc({F})",
        "sign({F})",
        "sqrt({F})",
        "ln({F})",
        "exp({F})",
        "power({F}, {f})",
        "({F} + {i})",
        "({N} * {f})",
        "{I}::double precision",
        "{N}::double precision",
        "(case when {B} then {f} else {f} end)",
        "coalesce({F}, {f})",
        "greatest({F}, {f})",
        "date_part('hour', {T})",
        "date_part('epoch', {V})",
        "sin({F})",
        "atan2({F}, {f})",
        "log({F})",
        "cbrt({F})"}},
      {'n',
       {"({N} + {n})",
        "({N} - {n})",
        "({N} + {i})",
        "({N} * {n})",
        "({N} % {n})",
        "(- {N})",
        "abs({N})",
        "round({N})",
        "floor({N})",
        "ceil({N})",
        "trunc({N})",
        "sign({N})",
        "round({N}, 1)",
        "round({N}, -1)",
        "trunc({N}, 2)",
        "mod({N}, {n})",
        "div({N}, {n})",
        "{I}::numeric(25,2)",
        "{F}::numeric(20,4)",
        "{N}::numeric(8,1)",
        "coalesce({N}, {n})",
        "least({N}, {n}, {i})",
        "(case when {B} then {n} else {i} end)",
        "extract(second from {T})::numeric(20,6)",
        "extract(epoch from {T})::numeric(20,6)",
        "({N} * 2)",
        "({N} - 0.125)"}},
      {'s',
       {"({S} || {s})",
        "({S} || {i})",
        "upper({S})",
        "lower({S})",
        "initcap({S})",
        "reverse({S})",
        "trim({S})",
        "ltrim({S}, 'ab ')",
        "rtrim({S}, {s})",
        "btrim({S}, 'xä')",
        "substr({S}, {k})",
        "substring({S} from {k} for {k})",
        "left({S}, {k})",
        "right({S}, {k})",
        "lpad({S}, {k}, {s})",
        "rpad({S}, {k}, 'ä')",
        "repeat({S}, {k})",
        "replace({S}, {s}, {s})",
        "split_part({S}, 'b', {k})",
        "translate({S}, 'abä', 'xy')",
        "concat({S}, {i}, {b})",
        "concat_ws(',', {S}, {s}, {i})",
        "md5({S})",
        "to_hex({I})",
        "regexp_replace({S}, {r}, 'X')",
        "regexp_replace({S}, {r}, '<\\&>', 'g')",
        "regexp_substr({S}, {r})",
        "{I}::text",
        "{F}::text",
        "{B}::text",
        "{T}::text",
        "{D}::text",
        "{V}::text",
        "(case when {B} then {s} else {s} end)",
        "coalesce({S}, {s})",
        "greatest({S}, {s})",
        "nullif({S}, {s})",
        "to_char({T}, 'YYYY-MM-DD HH24:MI:SS.US')",
        "to_char({T}, 'FMDay FMMonth DD HH12 AM IW Q')",
        "overlay({S} placing 'zz' from 2 for 1)",
        "{S}::varchar(3)"}},
      {'t',
       {"({T} + {v})", "({T} - {v})", "date_trunc('{u}', {T})", "date_trunc('{u}', {T}, 'Europe/Berlin')",
        "{D}::timestamptz", "date_bin('15 minutes', {T}, timestamptz '2001-01-01')", "to_timestamp({F})",
        "coalesce({T}, {t})", "greatest({T}, {t})", "(case when {B} then {t} else {t} end)", "({V} + {T})"}},
      {'d',
       {"{T}::date", "({D} + ({I} % 1000)::int)", "({D} - ({I} % 1000)::int)", "coalesce({D}, {d})", "least({D}, {d})",
        "make_date(2024, 1 + (abs({I}) % 12)::int, 1)"}},
      {'v',
       {"({T} - {t})", "({V} + {v})", "({V} - {v})", "(- {V})", "coalesce({V}, {v})", "({V} * 2)",
        "({V} * 1.5::float8)", "date_trunc('{u}', {V})", "age({T}, {t})", "({V} / 4)"}}};
  return all;
}

const std::map<char, std::vector<std::string>>& columns() {
  static const std::map<char, std::vector<std::string>> all = {{'b', {"b"}},      {'i', {"i", "j"}}, {'f', {"f", "g"}},
                                                               {'n', {"n", "m"}}, {'s', {"s", "u"}}, {'t', {"t"}},
                                                               {'d', {"d"}},      {'v', {"v"}}};
  return all;
}

const std::map<char, std::vector<std::string>>& literals() {
  static const std::map<char, std::vector<std::string>> all = {
      {'b', {"true", "false", "null::boolean"}},
      {'i', {"0", "1", "2", "-1", "7", "100", "-13", "9223372036854775807", "null::bigint"}},
      {'f', {"0::float8", "1.5::float8", "-2::float8", "1e10::float8", "1e-3::float8"}},
      {'n', {"0.0", "1.5", "-2.25", "1000.001", "0.5", "null::numeric(5,2)"}},
      {'s', {"''", "'a'", "'ab'", "' b '", "'ä'", "'x1y2'", "'B'", "null::text"}},
      {'t', {"timestamptz '2020-02-29 12:34:56.789'", "timestamptz '1999-12-31 23:59:59'"}},
      {'d', {"date '2020-02-29'", "date '1969-07-20'"}},
      {'v',
       {"interval '1 day'", "interval '1 month'", "interval '90 minutes'", "interval '-3 days 01:02:03.5'",
        "interval '1 year 2 months'"}},
      {'c', {"=", "<>", "<", "<=", ">", ">="}},
      {'k', {"0", "1", "2", "3", "-1", "5"}},
      {'p', {"'a%'", "'%b'", "'%a%'", "'_b%'", "'%'", "''", "'a_'", "'%1%2%'", "'ä%'"}},
      {'r', {"'a'", "'^a'", "'b$'", "'[0-9]+'", "'(a|b)+'", "'x.y'", "'a*'", "'\\\\w'", "'ä'", "'^$'"}},
      {'u', {"day", "hour", "minute", "month", "year", "quarter", "second", "millisecond"}}};
  return all;
}

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  std::string expression(char type, int depth) { return make(type, depth, false); }
  char any_type() { return std::string("bbiiffnnsstdv")[random_() % 13]; }
  // A DECIMAL quotient has another scale in PostgreSQL, so it is only asked for at the top.
  std::string quotient(int depth) {
    return "round(" + make('n', depth, true) + " / " + make('n', depth, true) + ", 6)";
  }

 private:
  template <class T>
  const T& pick(const std::vector<T>& all) {
    return all[random_() % all.size()];
  }

  std::string make(char type, int depth, bool no_literal) {
    if (!templates().contains(type)) return pick(literals().at(type));
    if (depth <= 0) {
      const bool literal = !no_literal && random_() % 3 == 0;
      return literal ? pick(literals().at(type)) : pick(columns().at(type));
    }
    return fill(pick(templates().at(type)), depth);
  }

  std::string fill(const std::string& text, int depth) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '{') {
        out += text[i];
        continue;
      }
      const char letter = text[i + 1];
      const bool upper = letter >= 'A' && letter <= 'Z';
      out += make(upper ? static_cast<char>(letter + 32) : letter, depth - 1 - static_cast<int>(random_() % 2), upper);
      i += 2;
    }
    return out;
  }

  std::mt19937_64 random_;
};

// --- the table ---------------------------------------------------------------------------------

const std::vector<std::pair<std::string, std::string>>& schema() {
  static const std::vector<std::pair<std::string, std::string>> fields = {{"b", "boolean"},
                                                                          {"i", "bigint"},
                                                                          {"j", "bigint"},
                                                                          {"f", "double precision"},
                                                                          {"g", "double precision"},
                                                                          {"n", "numeric(9,3)"},
                                                                          {"m", "numeric(7,2)"},
                                                                          {"s", "text"},
                                                                          {"u", "text"},
                                                                          {"t", "timestamptz"},
                                                                          {"d", "date"},
                                                                          {"v", "interval"}};
  return fields;
}

// A value as text, or "\\N".
std::string random_value(const std::string& type, std::mt19937_64& random) {
  if (random() % 6 == 0) return "\\N";
  const auto pick = [&](std::initializer_list<const char*> all) {
    return std::string(all.begin()[random() % all.size()]);
  };
  if (type == "boolean") return pick({"t", "f"});
  if (type == "bigint") {
    if (random() % 3 == 0) return pick({"0", "1", "-1", "9223372036854775807", "-9223372036854775808", "4294967296"});
    return std::to_string(static_cast<std::int64_t>(random() % 41) - 20);
  }
  if (type == "double precision") {
    if (random() % 4 == 0) return pick({"0", "-0.5", "1e15", "123456.789", "2.5", "3.5", "1e-10", "NaN", "Infinity"});
    return std::to_string((static_cast<double>(random() % 2001) - 1000) / 64);
  }
  if (type.starts_with("numeric")) {
    return std::to_string(static_cast<int>(random() % 2001) - 1000) + "." + std::to_string(random() % 10) +
           std::to_string(random() % 10);
  }
  if (type == "text")
    return pick({"", "a", "abc", "ABC", " ab ", "x1y2", "ä", "Äöü", "aaa b", "b", "a.b.c", "%_", "12", "The quick"});
  if (type == "timestamptz") {
    return pick({"2020-01-01 00:00:00", "2020-02-29 23:59:59.999999", "1999-12-31 12:34:56.789", "2021-03-28 01:30:00",
                 "2021-10-31 00:30:00", "1969-07-20 20:17:40", "2024-12-30 08:00:00", "1900-01-01 00:00:00"});
  }
  if (type == "date") return pick({"2020-01-01", "2020-02-29", "1999-12-31", "1970-01-01", "2024-12-30", "1900-03-01"});
  return pick(
      {"1 day", "01:30:00", "-2 mons", "1 year 3 mons 5 days 00:00:01.5", "00:00:00", "-1 days +23:00:00", "40 days"});
}

using Row = std::vector<std::string>;

std::vector<Row> random_rows(std::mt19937_64& random) {
  std::vector<Row> rows;
  for (int r = 0; r < kRows; ++r) {
    Row row;
    for (const auto& [name, type] : schema()) row.push_back(random_value(type, random));
    rows.push_back(std::move(row));
  }
  return rows;
}

Expression must_compile(const std::string& text, const Schema& over) {
  ExpressionError error;
  auto expression = Expression::compile(text, over, &error);
  if (expression == nullptr) {
    std::cerr << "does not compile: " << text << "\n  at " << error.offset << ": " << error.message << " " << error.hint
              << "\n";
    std::exit(1);
  }
  return *expression;
}

Batch batch_of(const std::vector<Row>& rows) {
  Schema raw;
  Schema typed;
  for (const auto& [name, type] : schema()) {
    raw.fields.push_back({name, kVarchar});
    typed.fields.push_back({name, *parse_type(type)});
  }
  BatchBuilder builder(std::make_shared<const Schema>(raw));
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (row[i] == "\\N") {
        builder.column(i).append_null();
      } else {
        builder.column(i).append_bytes(row[i]);
      }
    }
    builder.end_row();
  }
  const Batch texts = builder.finish();
  Batch batch{std::make_shared<const Schema>(typed), rows.size(), {}, {}};
  for (std::size_t i = 0; i < typed.fields.size(); ++i) {
    std::vector<RowError> errors;
    batch.columns.push_back(
        must_compile(raw.fields[i].name + "::" + to_string(typed.fields[i].type), raw).evaluate(texts, &errors));
    if (!errors.empty()) std::exit(1);
  }
  return batch;
}

void write_script(const std::string& path, const std::vector<Row>& rows, const std::vector<std::string>& expressions) {
  std::ofstream out(path);
  out << "create table r (id int primary key";
  for (const auto& [name, type] : schema()) out << ", " << name << " " << type;
  out << ");\ncopy r from stdin;\n";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    out << i;
    for (const std::string& value : rows[i]) out << "\t" << (value == "\\N" ? value : value);
    out << "\n";
  }
  out << "\\.\n"
         "create function one(e text, k int) returns text language plpgsql as $f$ declare x text; begin\n"
         "execute 'select (' || e || ')::text from r where id = ' || k into x;\n"
         "return coalesce('=' || encode(convert_to(x, 'UTF8'), 'hex'), 'NULL');\n"
         "exception when others then return 'ERROR ' || replace(sqlerrm, E'\\n', ' '); end $f$;\n"
         "create function al(e text) returns setof text language plpgsql as $f$ begin\n"
         "return query execute 'select coalesce(''='' || encode(convert_to((' || e || ')::text, ''UTF8''), ''hex''), "
         "''NULL'') from r order by id';\n"
         "exception when others then return query select one(e, id) from r order by id; end $f$;\n";
  for (const std::string& expression : expressions) out << "select al($q$" << expression << "$q$);\n";
}

std::string from_hex(const std::string& hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return out;
}

// --- comparison --------------------------------------------------------------------------------

std::string plain_decimal(std::string text) {
  if (text.find('.') == std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

bool close_enough(const std::string& a, const std::string& b) {
  double x = 0;
  double y = 0;
  if (std::from_chars(a.data(), a.data() + a.size(), x).ec != std::errc() ||
      std::from_chars(b.data(), b.data() + b.size(), y).ec != std::errc()) {
    return false;
  }
  return std::fabs(x - y) <= 1e-12 * std::max(std::fabs(x), std::fabs(y));
}

bool equal(Type type, bool quotient, const std::string& ours, const std::string& theirs) {
  if (ours == theirs) return true;
  if (type == kDouble) return close_enough(ours, theirs);
  // PostgreSQL cuts a quotient after 16 significant digits, we after 16 places.
  return type.kind == TypeKind::kDecimal &&
         (plain_decimal(ours) == plain_decimal(theirs) || (quotient && close_enough(ours, theirs)));
}

// One text a row: "=value", "NULL" or "ERROR reason".
std::vector<std::string> our_values(const Expression& expression, const Batch& batch) {
  std::vector<RowError> errors;
  const Column column = expression.evaluate(batch, &errors);
  const Schema single{{{"x", column.type()}}, {}, {}, {}};
  const Batch result{std::make_shared<const Schema>(single), batch.rows, {column}, {}};
  std::vector<RowError> none;
  const Column texts = must_compile("x::varchar", single).evaluate(result, &none);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < batch.rows; ++i)
    out.push_back(texts.valid(i) ? "=" + std::string(texts.bytes(i)) : "NULL");
  for (const RowError& error : errors) out[error.row] = std::string("ERROR ") + error.reason;
  return out;
}

bool select_agrees(const Expression& expression, const Batch& batch, const std::vector<std::string>& values) {
  std::vector<std::uint32_t> rows;
  std::vector<std::uint32_t> expected;
  std::vector<RowError> errors;
  expression.select(batch, &rows, &errors);
  for (std::uint32_t i = 0; i < values.size(); ++i) {
    if (values[i] == "=true") expected.push_back(i);
  }
  return rows == expected;
}

struct Tally {
  std::size_t values = 0;
  std::size_t errors = 0;
  std::size_t known = 0;
  std::size_t different = 0;
};

void compare_row(const std::string& text, Type type, const Row& row, const std::string& ours, std::string theirs,
                 Tally& tally) {
  ++tally.values;
  const bool our_error = ours.starts_with("ERROR");
  const bool their_error = theirs.starts_with("ERROR");
  if (our_error && their_error) {
    ++tally.errors;
    return;
  }
  if (our_error && kKnown.contains(ours.substr(6))) {
    ++tally.known;
    return;
  }
  if (theirs.starts_with("=")) theirs = "=" + from_hex(theirs.substr(1));
  if (our_error == their_error &&
      (ours == theirs || (ours[0] == '=' && theirs[0] == '=' &&
                          equal(type, text.find(" / ") != std::string::npos, ours.substr(1), theirs.substr(1)))))
    return;
  if (++tally.different > 60) return;
  std::cout << "DIFFERENT " << text << "\n  ours       " << ours << "\n  postgresql " << theirs << "\n  row       ";
  for (std::size_t i = 0; i < row.size(); ++i) std::cout << " " << schema()[i].first << "=" << row[i];
  std::cout << "\n";
}

std::vector<std::string> random_expressions(std::uint64_t seed, std::size_t count) {
  Generator generator(seed);
  std::vector<std::string> expressions;
  // Every template once over plain columns, then mixtures.
  for (const auto& [type, all] : templates()) {
    for (std::size_t i = 0; i < all.size() * 3; ++i) expressions.push_back(generator.expression(type, 1));
  }
  while (expressions.size() < count) {
    expressions.push_back(expressions.size() % 20 == 0 ? generator.quotient(1)
                                                       : generator.expression(generator.any_type(), 3));
  }
  return expressions;
}

int compare_all(std::uint64_t seed, std::size_t count) {
  std::mt19937_64 random(seed);
  const std::vector<Row> rows = random_rows(random);
  const Batch batch = batch_of(rows);
  const std::vector<std::string> expressions = random_expressions(seed, count);
  PostgresServer server;
  if (!server.start("-c jit=off")) {
    std::cout << "skipped: the PostgreSQL server does not start here\n";
    return 0;
  }
  const std::string script = server.folder() + "/script.sql";
  const std::string results = server.folder() + "/results";
  write_script(script, rows, expressions);
  if (!server.psql(script, results)) {
    std::cerr << "psql failed\n";
    return 1;
  }
  std::ifstream in(results);
  Tally tally;
  for (const std::string& text : expressions) {
    const Expression expression = must_compile(text, *batch.schema);
    const std::vector<std::string> ours = our_values(expression, batch);
    if (expression.type() == kBoolean && !select_agrees(expression, batch, ours)) {
      std::cout << "DIFFERENT select and evaluate: " << text << "\n";
      ++tally.different;
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::string theirs;
      if (!std::getline(in, theirs)) {
        std::cerr << "PostgreSQL gave fewer results than expected\n";
        return 1;
      }
      compare_row(text, expression.type(), rows[i], ours[i], theirs, tally);
    }
  }
  std::cout << expressions.size() << " expressions, " << tally.values << " values, " << tally.errors
            << " errors in both, " << tally.known << " known differences of range, " << tally.different
            << " different\n";
  return tally.different == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t seed = argc > 1 ? std::stoull(argv[1]) : std::random_device{}();
  const std::size_t count = argc > 2 ? std::stoul(argv[2]) : 3000;
  std::cout << "seed " << seed << "\n";
  if (!PostgresServer::installed()) {
    std::cout << "skipped: no PostgreSQL server in " << PostgresServer::bin() << "\n";
    return 0;
  }
  return compare_all(seed, count);
}
