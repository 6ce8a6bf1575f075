#include "supervisor/manifest_log.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "supervisor/manifest_node.h"
#include "supervisor/metrics/addresses.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::ordered_json;

constexpr std::uint64_t kLeastSize = 64U << 10;

bool has(std::span<const ManifestKey> keys, const char* name) {
  return std::ranges::find(keys, name, &ManifestKey::name) != keys.end();
}

void read_choice(const Node& map, const ManifestKey& key, std::string& to, Problems& problems) {
  const std::vector<std::string> words = choices_of(key);
  std::size_t chosen = static_cast<std::size_t>(std::ranges::find(words, to) - words.begin());
  read_word(map, key, chosen, problems);
  if (chosen < words.size()) to = words[chosen];
}

void read_options(const Node& node, LogSinkSpec& spec, Problems& problems) {
  const std::span<const ManifestKey> keys = keys_of("log-to." + spec.kind);
  if (!check_map(node, "'" + spec.kind + "'", keys, problems)) return;
  const std::pair<const char*, std::string*> chosen[] = {
      {"format", &spec.format}, {"level", &spec.level}, {"facility", &spec.facility}};
  for (const auto& [name, to] : chosen) {
    if (has(keys, name)) read_choice(node, key_of(keys, name), *to, problems);
  }
  read(node, "address", spec.address, problems);
  if (const Node* size = node.find("size")) {
    const auto bytes = parse_size(size->text);
    if (!bytes.ok() || *bytes < kLeastSize)
      problems.add(size->at, "'size' must be a size of at least 64KiB, such as 16MiB");
    else
      spec.size_bytes = *bytes;
  }
  if (has(keys, "keep")) read_count(node, key_of(keys, "keep"), spec.keep, problems);
  const Node* address = node.find("address");
  if (address == nullptr || spec.address.starts_with('/')) return;
  const Status sound = spec.kind == "journald" ? usage_error("'" + spec.address + "' is no path that begins with '/'")
                                               : metrics::parse_address(spec.address).status();
  if (!sound.ok()) problems.add(address->at, "'address': " + sound.what());
}

void add(const std::string& kind, const Place& at, const Node* options, std::vector<LogSinkSpec>& sinks,
         Problems& problems) {
  const std::vector<std::string> known = names_of(keys_of("log-to"));
  if (std::ranges::find(known, kind) == known.end())
    return problems.add(
        at, "'log-to' has no key '" + kind + "'" + did_you_mean(kind, known) + "; there are " + join(known, ", "));
  if (std::ranges::find(sinks, kind, &LogSinkSpec::kind) != sinks.end())
    return problems.add(at, "'log-to': '" + kind + "' is there twice");
  LogSinkSpec spec{.kind = kind};
  if (options != nullptr && options->kind != Node::Kind::kNull) read_options(*options, spec, problems);
  sinks.push_back(std::move(spec));
}

}  // namespace

std::vector<LogSinkSpec> read_log_to(const Node& node, Problems& problems) {
  std::vector<LogSinkSpec> sinks;
  if (node.is_scalar()) {
    for (const std::string& word : split(node.text, ','))
      add(std::string(trim(word)), node.at, nullptr, sinks, problems);
  } else if (node.is_list()) {
    for (const Node& item : node.items) add(item.is_scalar() ? item.text : "", item.at, nullptr, sinks, problems);
  } else if (node.is_map()) {
    for (std::size_t i = 0; i < node.keys.size(); ++i)
      add(node.keys[i].text, node.keys[i].at, &node.items[i], sinks, problems);
  } else {
    problems.add(node.at, "'log-to' must name where the log goes, as log-to: [stderr, journald]");
  }
  return sinks;
}

std::vector<LogSinkSpec> read_log_to_text(std::string_view text, const std::string& from, Problems& problems) {
  const std::vector<Node> documents = parse_document(text, from, problems);
  if (!problems.empty() || documents.empty()) return {};
  return read_log_to(documents.front(), problems);
}

ordered_json log_to_json(const std::vector<LogSinkSpec>& sinks) {
  ordered_json out = ordered_json::array();
  for (const LogSinkSpec& spec : sinks) {
    out.push_back({{"kind", spec.kind},
                   {"format", spec.format},
                   {"level", spec.level},
                   {"address", spec.address},
                   {"facility", spec.facility},
                   {"size-bytes", spec.size_bytes},
                   {"keep", spec.keep}});
  }
  return out;
}

std::vector<LogSinkSpec> log_to_from_json(const ordered_json& json) {
  std::vector<LogSinkSpec> sinks;
  for (const ordered_json& one : json) {
    sinks.push_back({.kind = one.at("kind"),
                     .format = one.at("format"),
                     .level = one.at("level"),
                     .address = one.at("address"),
                     .facility = one.at("facility"),
                     .size_bytes = one.at("size-bytes"),
                     .keep = one.at("keep")});
  }
  return sinks;
}

}  // namespace stream
