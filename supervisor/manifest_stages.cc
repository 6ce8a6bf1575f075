#include "supervisor/manifest_stages.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "supervisor/inputs.h"
#include "supervisor/manifest_autoscale.h"
#include "supervisor/manifest_hosts.h"
#include "supervisor/manifest_node.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::ordered_json;

class StageReader {
 public:
  StageReader(const StageEntry& entry, Catalogue& catalogue, Problems& problems)
      : entry_(entry), node_(entry.value), catalogue_(catalogue), problems_(problems) {}

  StageSpec read_stage() {
    stage_.name = entry_.prefix + entry_.key.text;
    stage_.folder = entry_.folder;
    stage_.at = entry_.key.at;
    if (!valid_name(entry_.key.text)) problems_.add(stage_.at, not_a_name(entry_.key.text));
    if (!node_.is_map()) {
      problems_.add(node_.at, "stage '" + stage_.name + "' must be a map, not " + kind_text(node_));
      return std::move(stage_);
    }
    find_program();
    if (info_ != nullptr) read_options();
    read_placement();
    if (const Node* from = node_.find("from")) stage_.from = read_from(*from, problems_);
    return std::move(stage_);
  }

 private:
  void find_program() {
    const Node* run = node_.find("run");
    if (run == nullptr) return problems_.add(stage_.at, "stage '" + stage_.name + "' has no 'run'");
    read(node_, "run", stage_.run, problems_);
    if (stage_.run.empty()) return;
    const auto found = catalogue_.find(stage_.run);
    if (!found.ok()) return problems_.add(run->at, found.status().what());
    info_ = *found;
    if (info_ != nullptr) return;
    problems_.add(run->at,
                  "there is no stage program '" + stage_.run + "'" + did_you_mean(stage_.run, catalogue_.names()));
  }

  void read_options() {
    ordered_json options = ordered_json::object();
    for (std::size_t i = 0; i < node_.keys.size(); ++i) {
      const Node& key = node_.keys[i];
      const OptionInfo* option = info_->find(key.text);
      if (option == nullptr) {
        problems_.add(key.at, no_option(*info_, key.text, key.text));
        continue;
      }
      if (!reaches_stage(key.text)) continue;
      stage_.option_places[key.text] = {node_.items[i].at, node_.items[i].text_column};
      if (check_shape(*option, node_.items[i])) options[key.text] = ordered_json::parse(node_to_json(node_.items[i]));
    }
    for (const OptionInfo& option : info_->options) {
      if (!option.required || node_.find(option.name) != nullptr) continue;
      problems_.add(stage_.at, "stage '" + stage_.name + "' needs option '" + option.name + "'");
    }
    stage_.options = options.dump();
  }

  bool check_shape(const OptionInfo& option, const Node& node) {
    const std::string name = "option '" + option.name + "'";
    if (node.kind == Node::Kind::kNull) return reject(node, name + " has no value");
    if (node.is_scalar()) return check_scalar(option, node);
    const bool list = option.kind == "select" || option.kind == "columns" || option.repeated;
    const bool map = option.kind == "select" || option.kind == "durations";
    if (node.is_map() && !map) return reject(node, name + " takes no map");
    if (node.is_list() && !list) return reject(node, name + " takes one value, not a list");
    if (node.items.empty()) return reject(node, name + " has no value");
    bool good = true;
    for (const Node& item : node.items) {
      const bool nested_map = node.is_list() && item.is_map() && option.kind == "select";
      if (!item.is_scalar() && !nested_map)
        good = reject(item, name + " must hold texts, not " + kind_text(item));
      else if (item.is_scalar())
        good = check_scalar(option, item) && good;
    }
    return good;
  }

  bool check_scalar(const OptionInfo& option, const Node& node) {
    if (!literal_secret(option, node.text)) return true;
    return reject(node, "option '" + option.name + "': " + std::string(kLiteralSecret));
  }

  bool reject(const Node& node, std::string message) {
    problems_.add(node.at, std::move(message));
    return false;
  }

  void read_placement() {
    const std::vector<std::string> levels = choices_of(key_of(manifest_keys(), "log"));
    read_parallelism(node_, stage_, problems_);
    read_memory(node_, "memory", stage_.memory_bytes, problems_);
    std::size_t level = levels.size();
    read_word(node_, "log", levels, level, problems_);
    if (level < levels.size()) stage_.log = levels[level];
    stage_.placement = read_stage_placement(node_, problems_);
  }

  const StageEntry& entry_;
  const Node& node_;
  Catalogue& catalogue_;
  Problems& problems_;
  StageSpec stage_;
  const StageInfo* info_ = nullptr;
};

}  // namespace

std::string not_a_name(const std::string& text) {
  return "'" + text + "' is not a name: a lower-case letter, then up to 31 letters, digits or '-'";
}

bool literal_secret(const OptionInfo& option, std::string_view text) {
  if (option.kind != "secret") return false;
  for (const std::string_view form : {"env:", "file:", "credential:"}) {
    if (text.starts_with(form) && text.size() > form.size()) return false;
  }
  return true;
}

void append_stages(const Node& root, const std::string& prefix, const std::string& folder,
                   std::vector<StageEntry>& entries, Problems& problems) {
  const Node* stages = root.find("stages");
  if (stages == nullptr) return;
  if (!stages->is_map() || stages->keys.empty()) {
    return problems.add(stages->at, "'stages' must be a map of stages, not " +
                                        (stages->is_map() ? "an empty one" : kind_text(*stages)));
  }
  for (std::size_t i = 0; i < stages->keys.size(); ++i) {
    entries.push_back({prefix, folder, stages->keys[i], stages->items[i], i > 0});
  }
}

std::vector<StageSpec> read_stages(const std::vector<StageEntry>& entries, const std::vector<StageScope>& scopes,
                                   Catalogue& catalogue, Problems& problems) {
  std::vector<StageSpec> stages;
  std::vector<WrittenInputs> written;
  for (const StageEntry& entry : entries) {
    stages.push_back(StageReader(entry, catalogue, problems).read_stage());
    written.push_back({entry.prefix, entry.value.find("from") != nullptr, entry.has_above});
  }
  resolve_inputs(stages, written, scopes, catalogue, problems);
  return stages;
}

}  // namespace stream
