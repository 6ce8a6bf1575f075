// What the aggregates beyond count, sum, min, max and avg should give, computed from all rows of a group.
#pragma once

#include <algorithm>
#include <cmath>

#include "stages/aggregate/quantiles.h"
#include "tests/unit/aggregate/replay.h"

namespace stream::test {

inline constexpr char kRich[] =
    "variance(v) as vv, stddev_pop(m) as ms, var_pop(v) filter (where f) as vf, variance(distinct v) as vdv, "
    "bool_and(f) as fa, bool_or(f) as fo, median(v) as med, median(distinct v) as dmed, "
    "string_agg(s, '; ') as sl, string_agg(distinct s, '+') filter (where f) as sd, json_agg(v) as vl, "
    "json_object_agg(s, v) filter (where s is not null) as so, count(distinct s) as ds, sum(distinct v) as sv, "
    "min(v) as mn, max(s) as mx, min(d) filter (where f) as md, any_value(m) filter (where m = 0) as am, "
    "approx_quantile(v, 0.9) as q, round(stddev(d)::numeric, 3) as sdd";

// Those that are refused where rows are taken back.
inline constexpr char kRichAppending[] =
    "first(v) as fv, last(s) as ls, last(f) filter (where f) as lf, approx_count_distinct(v) as a";

using Numbers = std::vector<long double>;

inline std::optional<long double> variance(const Numbers& x, bool sample) {
  const std::size_t divisor = sample ? x.size() - 1 : x.size();
  if (x.empty() || divisor == 0) return std::nullopt;
  long double mean = 0;
  for (const long double v : x) mean += v / static_cast<long double>(x.size());
  long double squares = 0;
  for (const long double v : x) squares += (v - mean) * (v - mean);
  return squares / static_cast<long double>(divisor);
}

inline std::string variance_of(const Numbers& x, bool sample, bool root = false) {
  const auto result = variance(x, sample);
  return result ? std::to_string(static_cast<double>(root ? std::sqrt(*result) : *result)) : "NULL";
}

inline std::string median_text(Numbers x) {
  if (x.empty()) return "NULL";
  std::ranges::sort(x);
  const std::size_t half = x.size() / 2;
  return std::to_string(static_cast<double>(x.size() % 2 != 0 ? x[half] : (x[half - 1] + x[half]) / 2));
}

// Texts in order of time, and of the bytes within a time.
using Timed = std::vector<std::pair<std::int64_t, std::string>>;

inline std::string list_text(Timed elements, const std::string& separator) {
  std::ranges::sort(elements);
  std::string out;
  for (const auto& [at, text] : elements) out += (out.empty() && &text == &elements[0].second ? "" : separator) + text;
  return out;
}

inline std::string object_text(Timed members) {
  std::ranges::sort(members);
  const auto key = [](const std::string& member) { return member.substr(0, member.find(':')); };
  std::string out;
  for (std::size_t i = 0; i < members.size(); ++i) {
    bool later = false;
    for (std::size_t k = i + 1; k < members.size(); ++k) later |= key(members[k].second) == key(members[i].second);
    if (!later) out += (out.empty() ? "" : ",") + members[i].second;
  }
  return "{" + out + "}";
}

inline std::string quantile_text(Numbers x, double quantile) {
  if (x.empty()) return "NULL";
  std::ranges::sort(x);
  const auto value = static_cast<double>(
      x[std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(quantile * static_cast<double>(x.size())))) - 1]);
  return std::to_string(bucket_value(quantile_bucket(value)));
}

inline std::string truth_of(const Group& group, bool any) {
  bool found = false, result = !any;
  for (const Record& r : group) {
    if (!r.f) continue;
    found = true;
    result = any ? result || *r.f : result && *r.f;
  }
  return !found ? "NULL" : result ? "1" : "0";
}

// What kRich computes.
inline std::string rich_of(const Group& group) {
  Numbers v, vf, m, d;
  std::set<long double> vs;
  std::set<std::string> s, sf;
  Timed texts, numbers, members;
  std::optional<double> d_min;
  bool zero = false;
  std::int64_t v_sum = 0;
  for (const Record& r : group) {
    const bool f = r.f.value_or(false);
    if (r.v) v.push_back(*r.v), vs.insert(*r.v);
    if (r.v && f) vf.push_back(*r.v);
    if (r.m) m.push_back(static_cast<long double>(*r.m) / 100), zero |= *r.m == 0;
    if (r.d) d.push_back(*r.d);
    if (r.d && f) d_min = d_min ? std::min(*d_min, *r.d) : *r.d;
    if (r.s) s.insert(*r.s), texts.emplace_back(r.ts, *r.s);
    if (r.s && f) sf.insert(*r.s);
    const std::string number = r.v ? std::to_string(*r.v) : "null";
    numbers.emplace_back(r.ts, number);
    if (r.s) members.emplace_back(r.ts, "\"" + *r.s + "\":" + number);
  }
  for (const long double one : vs) v_sum += static_cast<std::int64_t>(one);
  Timed sf_list;
  for (const std::string& one : sf) sf_list.emplace_back(0, one);
  const Numbers different(vs.begin(), vs.end());
  const auto or_null = [](bool there, const std::string& text) { return there ? text : std::string("NULL"); };
  std::string out = variance_of(v, true) + "|" + variance_of(m, false, true) + "|" + variance_of(vf, false);
  out += "|" + variance_of(different, true) + "|" + truth_of(group, false) + "|" + truth_of(group, true);
  out += "|" + median_text(v) + "|" + median_text(different);
  out += "|" + or_null(!texts.empty(), list_text(texts, "; ")) + "|" + or_null(!sf.empty(), list_text(sf_list, "+"));
  out += "|[" + list_text(numbers, ",") + "]|" + or_null(!members.empty(), object_text(members));
  out += "|" + std::to_string(s.size()) + "|" + or_null(!vs.empty(), std::to_string(v_sum));
  out += "|" + (v.empty() ? "NULL" : std::to_string(static_cast<std::int64_t>(*vs.begin())));
  out += "|" + (s.empty() ? "NULL" : *s.rbegin()) + "|" + shown(d_min) + "|" + (zero ? "0.000000" : "NULL");
  // Sums of DOUBLE depend on the order of the rows: three decimals do not.
  const auto of_doubles = variance(d, true);
  const std::string deviation = of_doubles ? std::to_string(std::round(std::sqrt(*of_doubles) * 1000)) : "NULL";
  return out + "|" + quantile_text(v, 0.9) + "|" + deviation;
}

// What kRichAppending computes; rows of one time as they came.
inline std::string rich_appending_of(const Group& group) {
  const Record* first = nullptr;
  const Record* last = nullptr;
  bool f = false;
  std::set<std::int64_t> values;
  for (const Record& r : group) {
    if (r.v && (first == nullptr || r.ts < first->ts)) first = &r;
    if (r.s && (last == nullptr || r.ts >= last->ts)) last = &r;
    f |= r.f.value_or(false);
    if (r.v) values.insert(*r.v);
  }
  std::string out = first == nullptr ? "NULL" : std::to_string(*first->v);
  out += "|" + (last == nullptr ? "NULL" : *last->s) + "|" + (f ? "1" : "NULL");
  // Of at most 40 different values the estimate is exact.
  return out + "|" + std::to_string(values.size());
}

}  // namespace stream::test
