#include "supervisor/manifest_metrics.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "supervisor/manifest_node.h"
#include "supervisor/metrics/addresses.h"
#include "supervisor/metrics/filter.h"
#include "supervisor/metrics/reporter.h"
#include "supervisor/pipeline.h"
#include "transport/base/secret.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using metrics::ReporterKind;
using metrics::ReporterOption;
using metrics::ReporterSpec;
using nlohmann::ordered_json;
using Words = std::vector<std::string>;

const Words kCommonKeys = {"reporter", "include", "exclude", "exclude-labels", "labels"};

Words kind_names() {
  Words names;
  for (const ReporterKind& kind : metrics::reporter_kinds()) names.emplace_back(kind.name);
  return names;
}

Words keys_of(const ReporterKind& kind) {
  Words keys = kCommonKeys;
  if (!kind.asked) keys.emplace_back("interval");
  for (const ReporterOption& option : kind.options) keys.emplace_back(option.name);
  return keys;
}

Status check_value(const ReporterKind& kind, const ReporterOption& option, const std::string& text) {
  using Kind = metrics::OptionKind;
  switch (option.kind) {
    case Kind::kAddress:
      return kind.asked ? metrics::parse_listen_address(text).status() : metrics::parse_address(text).status();
    case Kind::kUrl: return metrics::parse_url(text).status();
    case Kind::kInteger: return parse_integer(text).status();
    case Kind::kSecret: return check_secret_reference(text);
    case Kind::kFlag:
      return text == "true" || text == "false" ? Status() : usage_error("'" + text + "' is not true or false");
    case Kind::kWord: {
      const Words words = split(option.words, '|');
      if (std::ranges::find(words, text) != words.end()) return {};
      return usage_error("'" + text + "' is not one of " + join(words, ", ") + did_you_mean(text, words));
    }
    case Kind::kText:
    case Kind::kFile:
    case Kind::kList:
    case Kind::kMap: return {};
  }
  return {};
}

class MetricsReader {
 public:
  explicit MetricsReader(Problems& problems) : problems_(problems) {}

  std::vector<ReporterSpec> read(const Node& node) {
    if (node.is_scalar()) {
      add(node, Node());
    } else if (node.is_map()) {
      read_map(node);
    } else if (node.is_list()) {
      for (const Node& item : node.items) {
        if (item.is_scalar())
          add(item, Node());
        else if (item.is_map())
          read_map(item);
        else
          problems_.add(item.at, "'metrics' must be a list of reporters, as [prometheus, log]");
      }
    } else {
      problems_.add(node.at, "'metrics' must name reporters, as metrics: [prometheus, log]");
    }
    return std::move(reporters_);
  }

 private:
  void read_map(const Node& node) {
    for (std::size_t i = 0; i < node.keys.size(); ++i) add(node.keys[i], node.items[i]);
  }

  void add(const Node& name, const Node& options) {
    if (!valid_name(name.text)) {
      return problems_.add(name.at, "'" + name.text + "' is no name of a reporter: small letters, digits and '-'");
    }
    if (std::ranges::find(reporters_, name.text, &ReporterSpec::name) != reporters_.end()) {
      return problems_.add(name.at, "there is a reporter '" + name.text +
                                        "' already; a second of its kind has a name "
                                        "of its own and says 'reporter: " +
                                        name.text + "'");
    }
    ReporterSpec spec;
    spec.name = spec.kind = name.text;
    const bool some = options.kind != Node::Kind::kNull;
    if (some && options.is_map()) stream::read(options, "reporter", spec.kind, problems_);
    const ReporterKind* kind = metrics::find_reporter_kind(spec.kind);
    if (kind == nullptr) {
      const Words names = kind_names();
      const Node* said = options.find("reporter");
      return problems_.add(said == nullptr ? name.at : said->at, "there is no reporter '" + spec.kind + "'" +
                                                                     did_you_mean(spec.kind, names) + "; there are " +
                                                                     join(names, ", "));
    }
    if (some && !check_map(options, "reporter '" + spec.name + "'", keys_of(*kind), problems_)) return;
    read_common(options, spec);
    for (const ReporterOption& option : kind->options) read_option(name, options, *kind, option, spec);
    reporters_.push_back(std::move(spec));
  }

  void read_common(const Node& options, ReporterSpec& spec) {
    read_duration(options, "interval", spec.interval, problems_);
    if (spec.interval < 100'000) problems_.add(options.find("interval")->at, "'interval' must be at least 100ms");
    stream::read(options, "include", spec.include, problems_);
    stream::read(options, "exclude", spec.exclude, problems_);
    stream::read(options, "exclude-labels", spec.exclude_labels, problems_);
    for (const char* key : {"include", "exclude"}) {
      if (options.find(key) == nullptr) continue;
      const auto filter = metrics::Filter::parse(key[0] == 'i' ? spec.include : spec.exclude, {});
      if (!filter.ok()) problems_.add(options.find(key)->at, filter.status().what());
    }
    const Node* labels = options.find("labels");
    if (labels == nullptr) return;
    for (const std::string& pair : map_values("labels", *labels)) {
      const std::size_t equals = pair.find('=');
      spec.labels[pair.substr(0, equals)] = pair.substr(equals + 1);
    }
  }

  // "k=v" of each entry.
  Words map_values(const std::string& key, const Node& node) {
    Words values;
    const bool scalars = node.is_map() && std::ranges::all_of(node.items, &Node::is_scalar);
    if (!scalars) problems_.add(node.at, "'" + key + "' must be a map of texts, as {env: test}");
    for (std::size_t i = 0; scalars && i < node.keys.size(); ++i) {
      values.push_back(node.keys[i].text + "=" + node.items[i].text);
    }
    return values;
  }

  void read_option(const Node& name, const Node& options, const ReporterKind& kind, const ReporterOption& option,
                   ReporterSpec& spec) {
    const std::string key(option.name);
    const Node* node = options.find(key);
    if (node == nullptr) {
      if (option.required) problems_.add(name.at, "reporter '" + spec.name + "' needs '" + key + "'");
      return;
    }
    Words values;
    if (option.kind == metrics::OptionKind::kMap) {
      values = map_values(key, *node);
    } else if (option.kind == metrics::OptionKind::kList) {
      stream::read(options, key.c_str(), values, problems_);
    } else {
      std::string text;
      stream::read(options, key.c_str(), text, problems_);
      values = {text};
      const Status right = node->is_scalar() ? check_value(kind, option, text) : Status();
      if (!right.ok()) problems_.add(node->at, "'" + key + "': " + right.what());
    }
    spec.options[key] = std::move(values);
  }

  Problems& problems_;
  std::vector<ReporterSpec> reporters_;
};

}  // namespace

std::vector<ReporterSpec> read_metrics(const Node& node, Problems& problems) {
  return MetricsReader(problems).read(node);
}

std::vector<ReporterSpec> read_metrics_text(std::string_view text, const std::string& from, Problems& problems) {
  const std::vector<Node> documents = parse_document(text, from, problems);
  if (!problems.empty()) return {};
  return documents.empty() ? std::vector<ReporterSpec>() : read_metrics(documents.front(), problems);
}

ordered_json metrics_to_json(const std::vector<ReporterSpec>& reporters) {
  ordered_json out = ordered_json::array();
  for (const ReporterSpec& spec : reporters) {
    ordered_json json = {{"name", spec.name}, {"reporter", spec.kind}, {"interval-us", spec.interval}};
    json["include"] = spec.include;
    json["exclude"] = spec.exclude;
    json["exclude-labels"] = spec.exclude_labels;
    json["labels"] = spec.labels;
    json["options"] = spec.options;
    out.push_back(std::move(json));
  }
  return out;
}

std::vector<ReporterSpec> metrics_from_json(const ordered_json& json) {
  std::vector<ReporterSpec> out;
  for (const ordered_json& one : json) {
    ReporterSpec& spec = out.emplace_back();
    one.at("name").get_to(spec.name);
    one.at("reporter").get_to(spec.kind);
    one.at("interval-us").get_to(spec.interval);
    one.at("include").get_to(spec.include);
    one.at("exclude").get_to(spec.exclude);
    one.at("exclude-labels").get_to(spec.exclude_labels);
    one.at("labels").get_to(spec.labels);
    one.at("options").get_to(spec.options);
  }
  return out;
}

}  // namespace stream
