// The `evolve:` block as it is written.
#include <algorithm>

#include "supervisor/evolve.h"
#include "supervisor/manifest_node.h"

namespace stream {
namespace {

std::span<const ManifestKey> stage_keys() { return keys_of("evolve"); }
std::span<const ManifestKey> table_keys() { return keys_of("evolve.tables"); }
std::span<const ManifestKey> column_keys() { return keys_of("evolve.columns"); }

class EvolveReader {
 public:
  explicit EvolveReader(Problems& problems) : problems_(problems) {}

  std::vector<EvolvedStage> stages(const Node& node) {
    std::vector<EvolvedStage> out;
    each(node, "'evolve'", "stages", [&](const Node& key, const Node& value) {
      EvolvedStage& stage = out.emplace_back();
      if (!head(stage, key, value, "stage", stage_keys())) return;
      if (const Node* tables = value.find("tables")) read_tables(*tables, stage);
      check_drop(stage, !stage.tables.empty());
      if (value.keys.empty()) empty(key, stage_keys());
    });
    return out;
  }

 private:
  template <class Take>
  void each(const Node& node, const std::string& what, const std::string& of, const Take& take) {
    if (!node.is_map() || node.keys.empty()) {
      return problems_.add(
          node.at, what + " must be a map of " + of + ", not " + (node.is_map() ? "an empty one" : kind_text(node)));
    }
    for (std::size_t i = 0; i < node.keys.size(); ++i) take(node.keys[i], node.items[i]);
  }

  void read_tables(const Node& node, EvolvedStage& stage) {
    each(node, "'tables'", "state tables", [&](const Node& key, const Node& value) {
      EvolvedTable& table = stage.tables.emplace_back();
      if (!head(table, key, value, "table", table_keys())) return;
      check_drop(table, false);
      if (value.keys.empty()) empty(key, table_keys());
    });
  }

  template <class Entry>
  bool head(Entry& entry, const Node& key, const Node& value, const std::string& what,
            std::span<const ManifestKey> keys) {
    entry.name = key.text;
    entry.at = key.at;
    if (!check_map(value, what + " '" + key.text + "' of 'evolve'", keys, problems_)) return false;
    read_was(value, entry.name, entry.was);
    entry.drop = read_drop(value);
    if (const Node* columns = value.find("columns")) entry.columns = read_columns(*columns);
    return true;
  }

  std::vector<EvolvedColumn> read_columns(const Node& node) {
    std::vector<EvolvedColumn> out;
    each(node, "'columns'", "columns", [&](const Node& key, const Node& value) {
      ColumnEvolution change{key.text, "", false, "", {}};
      if (!check_map(value, "column '" + key.text + "' of 'evolve'", column_keys(), problems_)) return;
      read_was(value, change.name, change.was);
      change.drop = read_drop(value);
      read(value, "convert", change.convert, problems_);
      if (value.find("default") != nullptr) read(value, "default", change.fallback.emplace(), problems_);
      if (value.keys.empty()) empty(key, column_keys());
      if (check_column(change, key)) out.push_back({std::move(change), key.at});
    });
    return out;
  }

  bool check_column(const ColumnEvolution& change, const Node& key) {
    const bool was = !change.was.empty();
    const bool convert = !change.convert.empty();
    const std::string column = "column '" + key.text + "': ";
    if (convert && was) return refuse(key, column + "'convert' reads columns by the names they had; leave 'was' out");
    if (convert && change.fallback) return refuse(key, column + "it is converted or begins with a default, not both");
    if (was && change.fallback) return refuse(key, column + "what was kept under another name needs no default");
    if (change.drop && (was || convert)) return refuse(key, column + "it is dropped, or taken up, not both");
    return true;
  }

  template <class Entry>
  void check_drop(const Entry& entry, bool has_tables) {
    if (!entry.drop || (entry.was.empty() && entry.columns.empty() && !has_tables)) return;
    problems_.add(entry.at, "'" + entry.name + "' is dropped: there is nothing else to say of it");
  }

  void read_was(const Node& map, const std::string& name, std::string& was) {
    read(map, "was", was, problems_);
    if (!was.empty() && was == name) problems_.add(map.find("was")->at, "'was' is the name it has; leave it out");
  }

  bool read_drop(const Node& map) {
    std::string text;
    read(map, "drop", text, problems_);
    if (!text.empty() && text != "true") {
      problems_.add(map.find("drop")->at, "'drop' can only be true; leave it out and nothing is dropped");
    }
    return text == "true";
  }

  bool refuse(const Node& key, const std::string& message) {
    problems_.add(key.at, message);
    return false;
  }

  void empty(const Node& key, std::span<const ManifestKey> keys) {
    std::string list;
    for (const ManifestKey& word : keys)
      list += (list.empty() ? "" : &word == &keys.back() ? " or " : ", ") + std::string(word.name);
    refuse(key, "nothing is said of '" + key.text + "'; say " + list);
  }

  Problems& problems_;
};

}  // namespace

std::vector<EvolvedStage> read_evolve(const Node& node, Problems& problems) {
  return EvolveReader(problems).stages(node);
}

}  // namespace stream
