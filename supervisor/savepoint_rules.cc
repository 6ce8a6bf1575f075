#include "supervisor/savepoint_rules.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "storage/place.h"
#include "supervisor/manifest_node.h"
#include "transport/base/text.h"

namespace stream {

using nlohmann::json;

namespace {

std::string folder_in(const std::string& folder, const std::string& path) {
  std::string absolute = (std::filesystem::path(folder) / path).lexically_normal().string();
  while (absolute.size() > 1 && absolute.ends_with('/')) absolute.pop_back();
  return absolute;
}

void check(const Node& node, const SavepointRules& rules, Problems& problems) {
  if (node.find("every") != nullptr && rules.every_us < kSavepointEveryLeast)
    problems.add(node.find("every")->at, "'every' must be at least 1s; leave it out and none is made by itself");
  if (node.find("keep-for") != nullptr && rules.keep_for_us <= 0)
    problems.add(node.find("keep-for")->at, "'keep-for' must be more than 0; leave it out and none is too old");
  if (rules.archive && rules.single_file)
    problems.add(node.find("archive")->at, "'archive' and 'single-file' exclude each other");
  for (const char* form : {"to", "archive", "single-file"}) {
    if (node.find(form) != nullptr && node.find("every") == nullptr)
      problems.add(node.find(form)->at, std::string("'") + form + "' needs 'every': it is about those the job makes");
  }
}

}  // namespace

SavepointRules read_savepoint_rules(const Node& node, const std::string& folder, Problems& problems) {
  SavepointRules rules;
  const std::size_t faults = problems.sorted().size();
  if (!check_map(node, "'savepoints'", kSavepointKeys, problems)) return rules;
  read_duration(node, "every", rules.every_us, problems);
  std::uint32_t keep = 0;
  read_count(node, key_of(kSavepointKeys, "keep"), keep, problems);
  rules.keep = keep;
  read_duration(node, "keep-for", rules.keep_for_us, problems);
  read(node, "to", rules.to, problems);
  if (is_object_url(rules.to)) {
    if (const auto place = parse_storage(rules.to); !place.ok())
      problems.add(node.find("to")->at, place.status().what());
  } else if (!rules.to.empty()) {
    rules.to = folder_in(folder, rules.to);
  }
  read_flag(node, "single-file", rules.single_file, problems);
  read_flag(node, "archive", rules.archive, problems);
  if (problems.sorted().size() == faults) check(node, rules, problems);
  return rules;
}

json rules_to_json(const SavepointRules& rules) {
  return {{"every_us", rules.every_us},       {"keep", rules.keep},
          {"keep_for_us", rules.keep_for_us}, {"archive", rules.archive},
          {"single_file", rules.single_file}, {"to", rules.to}};
}

SavepointRules rules_from_json(const json& in) {
  const auto number = [&](const char* key) {
    const auto at = in.find(key);
    return at != in.end() && at->is_number_integer() ? std::max<std::int64_t>(0, at->get<std::int64_t>()) : 0;
  };
  const auto flag = [&](const char* key) { return in.contains(key) && in[key].is_boolean() && in[key].get<bool>(); };
  SavepointRules rules;
  if (!in.is_object()) return rules;
  rules.every_us = number("every_us");
  rules.keep = number("keep");
  rules.keep_for_us = number("keep_for_us");
  rules.archive = flag("archive");
  rules.single_file = flag("single_file");
  if (in.contains("to") && in["to"].is_string()) rules.to = in["to"].get<std::string>();
  return rules;
}

std::string rules_text(const SavepointRules& rules, const std::string& job) {
  std::vector<std::string> parts;
  if (rules.every_us > 0) parts.push_back("one every " + format_duration(rules.every_us));
  if (rules.keep > 0) parts.push_back("keeps " + std::to_string(rules.keep));
  if (rules.keep_for_us > 0) parts.push_back("for " + format_duration(rules.keep_for_us));
  if (rules.archive) parts.emplace_back("as archives");
  if (rules.single_file) parts.emplace_back("as single files");
  if (!rules.to.empty()) parts.push_back("in " + place_of_savepoints(rules, job));
  return parts.empty() ? "none by itself" : join(parts, "; ");
}

std::string place_of_savepoints(const SavepointRules& rules, const std::string& job) {
  return rules.to.substr(0, rules.to.find('?')) + "/" + job;
}

std::vector<std::string> savepoint_folders_of(const SavepointRules& rules, const JobPaths& job) {
  std::vector<std::string> folders = {job.savepoints()};
  if (!rules.to.empty()) folders.push_back(place_of_savepoints(rules, job.job));
  return folders;
}

}  // namespace stream
