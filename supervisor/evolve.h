// The `evolve:` block of a manifest: what kept state becomes where the pipeline has changed, see stream-manifest(5).
//
// It stays in the manifest, and so in the plan of every checkpoint that is made by it. That is how what has been done
// is known: an entry that stands in the plan the state was kept by is not done again.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "snapshot/evolution.h"
#include "supervisor/document.h"
#include "supervisor/problems.h"

namespace stream {

struct EvolvedColumn {
  ColumnEvolution change;
  Place at;
};

struct EvolvedTable {
  std::string name = {};  // now; of one that is dropped, then
  std::string was = {};   // its name then; "" = the same
  bool drop = false;
  std::vector<EvolvedColumn> columns = {};
  Place at = {};

  bool says_nothing() const { return was.empty() && !drop && columns.empty(); }
};

struct EvolvedStage {
  std::string name = {};
  std::string was = {};
  bool drop = false;
  std::vector<EvolvedColumn> columns = {};  // of every table that has them
  std::vector<EvolvedTable> tables = {};
  Place at = {};

  bool says_nothing() const { return was.empty() && !drop && columns.empty() && tables.empty(); }
};

// What is wrong goes to `problems`; names are checked later, against a plan.
std::vector<EvolvedStage> read_evolve(const Node& node, Problems& problems);

// What is still to be done with state kept by a plan that had the block `kept`.
std::vector<EvolvedStage> still_to_do(const std::vector<EvolvedStage>& wanted, const std::vector<EvolvedStage>& kept);

const EvolvedStage* find(const std::vector<EvolvedStage>& stages, const std::string& name);
const EvolvedTable* find(const std::vector<EvolvedTable>& tables, const std::string& name);

nlohmann::ordered_json evolve_to_json(const std::vector<EvolvedStage>& stages);
std::vector<EvolvedStage> evolve_from_json(const nlohmann::ordered_json& json);  // throws as nlohmann::json does

}  // namespace stream
