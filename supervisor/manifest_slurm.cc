#include "supervisor/manifest_slurm.h"

#include <algorithm>
#include <charconv>

namespace stream {
namespace {

constexpr std::uint32_t kNodesMost = 100'000;
constexpr Microseconds kGraceLeast = 10'000'000;
constexpr Microseconds kGraceMost = 65'535'000'000;  // Slurm keeps it in 16 bits

bool read_number(std::string_view text, std::uint32_t& to) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
  return error == std::errc() && end == text.data() + text.size() && to >= 1 && to <= kNodesMost;
}

void read_nodes(const Node& map, SlurmSpec& spec, Problems& problems) {
  const Node* node = map.find("nodes");
  if (node == nullptr) return;
  const std::string_view text = node->text;
  const std::size_t dash = text.find('-');
  const bool right = node->is_scalar() && read_number(text.substr(0, dash), spec.nodes_least) &&
                     read_number(dash == std::string_view::npos ? text : text.substr(dash + 1), spec.nodes_most) &&
                     spec.nodes_least <= spec.nodes_most;
  if (!right) problems.add(node->at, "'nodes' must be a number of nodes, or the least and the most, such as 2-4");
}

// They become lines of a script.
void check_words(const Node& map, const char* key, const std::vector<std::string>& words, bool options,
                 Problems& problems) {
  for (const std::string& word : words) {
    const bool one =
        word.find_first_of("\n\r") == std::string::npos && (options || word.find(' ') == std::string::npos);
    if (one && !word.empty() && word.starts_with('-') == options) continue;
    problems.add(map.find(key)->at, "'" + std::string(key) + "': '" + word +
                                        (options ? "' is no option of sbatch, such as --qos=high" : "' is no name"));
  }
}

}  // namespace

SlurmSpec read_slurm(const Node& node, Problems& problems) {
  SlurmSpec spec;
  const std::span<const ManifestKey> keys = keys_of("slurm");
  if (!check_map(node, "'slurm'", keys, problems)) return spec;
  read_nodes(node, spec, problems);
  read(node, "partition", spec.partition, problems);
  read(node, "account", spec.account, problems);
  read_duration(node, "time", spec.time, problems);
  read_count(node, key_of(keys, "cpus"), spec.cpus, problems);
  read_memory(node, "memory", spec.memory_bytes, problems);
  read_duration(node, "grace", spec.grace, problems);
  std::size_t at_limit = 0;
  read_word(node, key_of(keys, "at-limit"), at_limit, problems);
  spec.requeue_at_limit = at_limit == 1;
  read(node, "folder", spec.folder, problems);
  read(node, "options", spec.options, problems);
  for (const char* name : {"partition", "account"}) {
    if (const Node* given = node.find(name)) check_words(node, name, {given->text}, false, problems);
  }
  check_words(node, "options", spec.options, true, problems);
  if (spec.grace < kGraceLeast || spec.grace > kGraceMost)
    problems.add(node.find("grace")->at, "'grace' must be from 10s to 18h");
  if (node.find("time") != nullptr && spec.time <= spec.grace)
    problems.add(node.find("time")->at, "'time' must be longer than 'grace'");
  if (!spec.folder.empty() && !spec.folder.starts_with('/'))
    problems.add(node.find("folder")->at, "'folder' must be a path that begins with '/'");
  return spec;
}

}  // namespace stream
