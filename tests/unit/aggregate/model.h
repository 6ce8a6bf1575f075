// What an aggregate should give, computed from all rows it got, without any cleverness.
#pragma once

#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/aggregate/support.h"

namespace stream::test {

struct Record {
  std::optional<std::int64_t> k;
  std::optional<std::string> s;
  std::optional<std::int64_t> v;
  std::optional<double> d;
  std::optional<std::int64_t> m;  // DECIMAL(10,2), times 100
  std::optional<bool> f;
  std::int64_t ts = 0;
  RowKind kind = RowKind::kInsert;
};

inline Schema record_schema(Changelog changelog = Changelog::kAppend) {
  Schema schema = *parse_schema("k bigint, s varchar, v bigint, d double, m decimal(10,2), f boolean, ts timestamp");
  schema.time = 6;
  schema.changelog = changelog;
  return schema;
}

class RandomRecords {
 public:
  RandomRecords(std::uint64_t seed, bool nulls) : random_(seed), nulls_(nulls) {}

  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  Record next() {
    Record r;
    if (!null()) r.k = static_cast<std::int64_t>(below(12));
    if (!null())
      r.s = below(4) == 0 ? "a text that is longer than twelve " + std::to_string(below(3))
                          : std::string(1, static_cast<char>('a' + below(4)));
    if (!null()) r.v = static_cast<std::int64_t>(below(40)) - 20;
    if (!null()) r.d = static_cast<double>(below(64)) / 4 - 8;
    if (!null()) r.m = static_cast<std::int64_t>(below(5000)) - 2500;
    if (!null()) r.f = below(2) == 0;
    return r;
  }

 private:
  bool null() { return nulls_ && below(5) == 0; }
  std::mt19937_64 random_;
  bool nulls_;
};

inline Batch batch_of(const SchemaPtr& schema, const std::vector<Record>& records) {
  BatchBuilder out(schema);
  const auto put = [&](std::size_t c, const auto& value, auto as) {
    if (value)
      out.column(c).append(static_cast<decltype(as)>(*value));
    else
      out.column(c).append_null();
  };
  for (const Record& r : records) {
    put(0, r.k, std::int64_t{});
    if (r.s)
      out.column(1).append_bytes(*r.s);
    else
      out.column(1).append_null();
    put(2, r.v, std::int64_t{});
    put(3, r.d, double{});
    put(4, r.m, Decimal{});
    put(5, r.f, std::uint8_t{});
    out.column(6).append(r.ts);
    out.end_row(r.kind);
  }
  return out.finish();
}

using Group = std::vector<Record>;

template <class T>
std::string shown(const std::optional<T>& value) {
  if constexpr (std::is_same_v<T, std::string>)
    return value.value_or("NULL");
  else
    return value ? std::to_string(*value) : "NULL";
}

// What everything_appending computes.
inline std::string everything_of(const Group& group) {
  std::int64_t v_count = 0, v_sum = 0, f_count = 0, fv_sum = 0, fv_count = 0, d_count = 0;
  std::optional<std::int64_t> v_min, m_sum, m_max;
  std::optional<double> d_min;
  std::optional<std::string> s_max;
  double d_sum = 0;
  std::set<std::string> s_seen;
  std::set<std::int64_t> v_seen;
  for (const Record& r : group) {
    const bool f = r.f.value_or(false);
    if (f) ++f_count;
    if (r.v) {
      ++v_count;
      v_sum += *r.v;
      v_min = v_min ? std::min(*v_min, *r.v) : *r.v;
      if (f) fv_sum += *r.v, ++fv_count, v_seen.insert(*r.v);
    }
    if (r.d) {
      ++d_count;
      d_sum += *r.d;
      d_min = d_min ? std::min(*d_min, *r.d) : *r.d;
    }
    if (r.m) m_sum = m_sum.value_or(0) + *r.m, m_max = m_max ? std::max(*m_max, *r.m) : *r.m;
    if (r.s) s_seen.insert(*r.s), s_max = s_max ? std::max(*s_max, *r.s) : *r.s;
  }
  const auto decimal = [](const std::optional<std::int64_t>& m) {
    return m ? std::to_string(static_cast<long double>(*m)) : std::string("NULL");
  };
  std::int64_t distinct_sum = 0;
  for (const std::int64_t v : v_seen) distinct_sum += v;
  std::string out = std::to_string(group.size()) + "|" + std::to_string(v_count);
  out += "|" + (v_count != 0 ? std::to_string(v_sum) : "NULL") + "|" + shown(v_min);
  out += "|" + (v_count != 0 ? std::to_string(static_cast<double>(v_sum) / static_cast<double>(v_count)) : "NULL");
  out += "|" + shown(s_max) + "|" + decimal(m_sum) + "|" + decimal(m_max);
  out += "|" + (d_count != 0 ? std::to_string(d_sum / static_cast<double>(d_count)) : "NULL") + "|" + shown(d_min);
  out += "|" + std::to_string(s_seen.size()) + "|" + (v_seen.empty() ? "NULL" : std::to_string(distinct_sum));
  out += "|" + std::to_string(f_count) + "|" + (fv_count != 0 ? std::to_string(fv_sum) : "NULL");
  return out;
}

inline constexpr char kEverything[] =
    "count(*) as n, count(v) as vn, sum(v) as vs, min(v) as vmin, avg(v) as va, max(s) as smax, sum(m) as ms, "
    "max(m) as mmax, avg(d) as da, min(d) as dmin, count(distinct s) as sd, sum(distinct v) filter (where f) as vd, "
    "count(*) filter (where f) as fn, sum(v) filter (where f) as fs";

// What kRetractable computes.
inline std::string retractable_of(const Group& group) {
  std::int64_t count = 0, sum = 0, fs = 0, fn = 0;
  std::optional<double> d_sum;
  for (const Record& r : group) {
    if (r.v) ++count, sum += *r.v;
    if (r.v && r.f.value_or(false)) ++fn, fs += *r.v;
    if (r.d) d_sum = d_sum.value_or(0) + *r.d;
  }
  std::string out =
      std::to_string(group.size()) + "|" + std::to_string(count) + "|" + (count != 0 ? std::to_string(sum) : "NULL");
  out += "|" + (count != 0 ? std::to_string(static_cast<double>(sum) / static_cast<double>(count)) : "NULL");
  return out + "|" + (fn != 0 ? std::to_string(fs) : "NULL") + "|" + shown(d_sum);
}

inline constexpr char kRetractable[] =
    "count(*) as n, count(v) as vn, sum(v) as vs, avg(v) as va, sum(v) filter (where f) as fs, sum(d) as ds";

}  // namespace stream::test
