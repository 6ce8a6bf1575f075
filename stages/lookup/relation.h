// The SQL that reads a reference.
#pragma once

#include <string>
#include <vector>

#include "stages/lookup/reference.h"

namespace stream {

// What stands behind FROM: a table's name in quotes, or a query in parentheses; called ref_.
std::string relation_of(const Reference& reference);

// select ref_."a", ref_."b" from "t" as ref_
std::string select_all(const Reference& reference, const Schema& schema);
// … where ref_."a" = ?1 and ref_."b" = ?2
std::string select_key(const Reference& reference, const Schema& schema, const std::vector<std::size_t>& key);
// … where (ref_."a", ref_."b") in (select * from unnest($1::bigint[], $2::text[]))
std::string select_keys(const Reference& reference, const Schema& schema, const std::vector<std::size_t>& key);

// The keys of one column as PostgreSQL's array: {"1","2"}.
std::string array_text(const Column& keys);

}  // namespace stream
