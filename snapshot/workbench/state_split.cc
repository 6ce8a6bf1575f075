#include "snapshot/workbench/state_split.h"

#include <algorithm>
#include <set>

#include "snapshot/grouping.h"
#include "transport/base/text.h"

namespace stream {
namespace {

std::string share_of_groups(const std::string& group, std::uint32_t key_groups, std::size_t part, std::size_t parts) {
  return group + " * " + std::to_string(parts) + " / " + std::to_string(key_groups) + " = " + std::to_string(part);
}

// (… IS TRUE): what is NULL is not true, so that every row is in one part.
std::string chosen_by(const std::vector<std::string>& conditions, std::size_t part) {
  std::string sql;
  const auto and_also = [&](const std::string& condition, const char* truth) {
    sql += (sql.empty() ? "((" : " AND ((") + condition + ") " + truth + ")";
  };
  for (std::size_t i = 0; i < part && i < conditions.size(); ++i) and_also(conditions[i], "IS NOT TRUE");
  if (part < conditions.size()) and_also(conditions[part], "IS TRUE");
  return sql;
}

class Splitting {
 public:
  Splitting(StateDraft& draft, const SplitRequest& request) : draft_(draft), request_(request) {}

  Result<std::vector<DraftPart>> run() {
    STREAM_TRY(find_copied());
    std::vector<DraftPart> parts(request_.parts);
    for (std::size_t table = 0; table < draft_.tables().size(); ++table) {
      STREAM_TRY(check(table));
      for (std::size_t part = 0; part < parts.size(); ++part) parts[part].push_back(condition(table, part));
    }
    return parts;
  }

 private:
  const ViewedTable& at(std::size_t table) const { return draft_.tables()[table]; }
  bool is_divided(std::size_t table) const {
    return at(table).spec.distribution == Distribution::kKeyed && !copied_.contains(table);
  }

  Status find_copied() {
    for (const std::string& name : request_.copied) {
      STREAM_ASSIGN(const std::size_t table, find_table(draft_.tables(), name, draft_.index().job));
      copied_.insert(table);
    }
    return {};
  }

  Status check(std::size_t table) {
    if (!is_divided(table)) return {};
    for (const std::string& condition : request_.conditions) {
      const Status usable = draft_.check_condition(table, condition, group_columns_of(at(table).spec).size());
      if (!usable.ok())
        return usage_error(usable.what() + "; '--copy " + at(table).name + "' gives the table to every part");
    }
    return {};
  }

  std::string condition(std::size_t table, std::size_t part) const {
    if (is_divided(table)) {
      if (!request_.conditions.empty()) return chosen_by(request_.conditions, part);
      return share_of_groups(draft_.group_of(table), draft_.index().key_groups, part, request_.parts);
    }
    const bool waits = by_instance(at(table).spec) && !at(table).internal;
    return waits && part > 0 ? "0" : "";
  }

  StateDraft& draft_;
  const SplitRequest& request_;
  std::set<std::size_t> copied_;
};

}  // namespace

Result<std::vector<DraftPart>> split_parts(StateDraft& draft, const SplitRequest& request) {
  return Splitting(draft, request).run();
}

}  // namespace stream
