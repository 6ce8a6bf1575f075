#include "cli/remote_files.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "supervisor/manifest.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using SentMap = std::map<std::string, std::string>;

// Reads what is included, and remembers it.
class Gathering final : public Files {
 public:
  Gathering(std::string folder, SentMap& sent) : folder_(std::move(folder)), sent_(sent) {}

  Result<std::string> read_file(const std::string& path) override {
    auto text = system_files().read_file(path);
    if (!text.ok()) return text;
    sent_[path] = *text;
    sent_[std::filesystem::path(path).lexically_relative(folder_).string()] = *text;
    return text;
  }
  Result<std::vector<std::string>> list(const std::string& path) override { return system_files().list(path); }
  Status write_file(const std::string&, std::string_view) override { return {}; }
  Status sync_file(const std::string&) override { return {}; }
  Status sync_dir(const std::string&) override { return {}; }
  Status rename(const std::string&, const std::string&) override { return {}; }
  Status remove(const std::string&) override { return {}; }
  Status make_dir(const std::string&) override { return {}; }
  Status truncate(const std::string&, std::uint64_t) override { return {}; }

 private:
  const std::string folder_;
  SentMap& sent_;
};

// What is wrong with the manifest is said by who has the stages.
class NoStages final : public Catalogue {
 public:
  Result<const StageInfo*> find(std::string_view) override { return nullptr; }
  std::vector<std::string> names() override { return {}; }
};

void gather(const std::string& text, const std::string& folder, const VerbValues& values, const std::string& side,
            SentMap& sent) {
  std::vector<std::string> parameters = values.list("parameter");
  const std::vector<std::string>& more = values.list("parameter" + side);
  if (!side.empty()) parameters.insert(parameters.end(), more.begin(), more.end());
  auto overrides = read_overrides(parameters, {});
  if (!overrides.ok()) return;
  Gathering files(folder, sent);
  NoStages stages;
  Problems problems;
  const Environment none = [](const std::string&) { return std::optional<std::string>(); };
  load_manifest({text, "manifest", folder}, {stages, files, none, *std::move(overrides)}, problems);
}

// What is not would arrive as something else.
bool is_text(const std::string& bytes) {
  try {
    (void)nlohmann::json(bytes).dump();
    return true;
  } catch (const nlohmann::json::exception&) { return false; }
}

bool is_manifest(const std::string& name) {
  return name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json");
}

void add(const std::string& name, const VerbValues& values, const std::string& side, SentMap& sent) {
  std::error_code error;
  if (name == "-") {
    sent[name].assign(std::istreambuf_iterator<char>(std::cin), {});
    return gather(sent[name], std::filesystem::current_path(error).string(), values, side, sent);
  }
  if (!is_manifest(name)) return;
  auto text = system_files().read_file(name);
  if (!text.ok()) return;
  const std::string folder = std::filesystem::absolute(name).parent_path().lexically_normal().string();
  gather(*text, folder, values, side, sent);
  sent[name] = *std::move(text);
}

// TABLE=FILE, or TABLE=FILE QUERY: text only, as a database is no text, and is looked for there.
Status add_rows(const std::string& given, SentMap& sent) {
  const std::string name = given.substr(std::min(given.size(), given.find('=') + 1));
  const auto text = system_files().read_file(name);
  if (!text.ok() || text->starts_with("SQLite format 3")) return {};
  if (!is_text(*text)) return usage_error("'" + name + "' is not sent along, as it is no UTF-8; convert it");
  sent[name] = *text;
  return {};
}

}  // namespace

Result<SentMap> files_to_send(const Verb& verb, const RemoteRule& rule, const VerbValues& values) {
  SentMap sent;
  const std::vector<std::string> both = split(rule.pipelines, ' ');
  for (const VerbOption& option : verb.table->options) {
    const bool one_of_both = std::ranges::find(both, option.name) != both.end();
    if (option.kind != ValueKind::kPipeline && !one_of_both) continue;
    for (const std::string& name : values.list(option.name))
      add(name, values, one_of_both ? "-" + std::string(option.name) : "", sent);
  }
  if (verb.name == "state new") {
    for (const std::string& given : values.list("table")) STREAM_TRY(add_rows(given, sent));
  }
  std::size_t bytes = 0;
  for (const auto& [name, text] : sent) bytes += name.size() + text.size();
  if (bytes <= kSentMax) return sent;
  return usage_error("what is to be sent along is larger than " + format_size(kSentMax) +
                     ", the most that a server takes");
}

}  // namespace stream
