#include "supervisor/parameters.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "supervisor/manifest_node.h"
#include "transport/base/text.h"
#include "transport/record/type.h"

namespace stream {
namespace {

Status check_secret(std::string_view value) {
  for (const std::string_view form : {"env:", "file:", "credential:"}) {
    if (value.starts_with(form) && value.size() > form.size()) return {};
  }
  return usage_error("a secret is never written out; give env:NAME, file:PATH or credential:NAME");
}

Status check_number(const std::string& value) {
  double number = 0;
  const char* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number);
  return error == std::errc() && stop == end ? Status() : usage_error("'" + value + "' is not a number");
}

// Types whose texts have no form that is known here are left to who reads them.
Status check_sql_value(Type type, const std::string& value) {
  switch (type.kind) {
    case TypeKind::kBigint: {
      const auto number = parse_integer(value);
      return number.ok() ? Status() : number.status();
    }
    case TypeKind::kDouble:
    case TypeKind::kDecimal: return check_number(value);
    case TypeKind::kBoolean:
      return value == "true" || value == "false" ? Status() : usage_error("'" + value + "' is neither true nor false");
    default: return {};
  }
}

Status check_value(const std::string& type, const std::string& value) {
  if (type == "secret") return check_secret(value);
  if (type == "duration") {
    const auto duration = parse_duration(value);
    return duration.ok() ? Status() : duration.status();
  }
  if (type == "size") {
    const auto size = parse_size(value);
    return size.ok() ? Status() : size.status();
  }
  STREAM_ASSIGN(const Type sql, parse_type(type));
  return check_sql_value(sql, value);
}

bool known_type(const std::string& type) {
  return type == "secret" || type == "duration" || type == "size" || parse_type(type).ok();
}

// The type of a declared parameter, "" (reported) if it is wrong.
std::string read_type(const std::string& name, const Node& declared, Problems& problems) {
  if (!check_map(declared, "parameter '" + name + "'", keys_of("parameters"), problems)) return "";
  std::string type = "varchar";
  read(declared, "type", type, problems);
  if (known_type(lower(type))) return lower(type);
  problems.add(declared.find("type")->at, "'" + type + "' is neither a SQL type nor duration, size or secret");
  return "";
}

class Reader {
 public:
  // `fragment`: they are of an included file, and given where it is included.
  Reader(const std::map<std::string, std::string>& given, const Place& given_at, bool fragment, Problems& problems)
      : given_(given), given_at_(given_at), fragment_(fragment), problems_(problems) {}

  void declare(const Node& key, const Node& node) {
    names_.push_back(key.text);
    if (!valid_name(key.text)) problems_.add(key.at, "'" + key.text + "' is not a name");
    const std::string type = read_type(key.text, node, problems_);
    if (type.empty()) return;
    const auto given = given_.find(key.text);
    const Node* fallback = node.find("default");
    if (given != given_.end())
      set(key.text, type, given->second, given_at_);
    else if (fallback != nullptr && fallback->is_scalar())
      set(key.text, type, fallback->text, fallback->at);
    else
      report_missing(key, type);
  }

  std::vector<ParameterValue> finish() {
    for (const auto& [name, value] : given_) {
      if (std::ranges::find(names_, name) != names_.end()) continue;
      problems_.add(given_at_, std::string(fragment_ ? "the included file" : "the manifest") +
                                   " declares no parameter '" + name + "'" + did_you_mean(name, names_));
    }
    return std::move(values_);
  }

 private:
  // It is known all the same: its uses are not reported as well.
  void report_missing(const Node& key, const std::string& type) {
    values_.push_back({key.text, type, ""});
    const std::string missing = "parameter '" + key.text + "' has no default: ";
    if (fragment_) return problems_.add(given_at_, missing + "give parameters: {" + key.text + ": VALUE}");
    problems_.add(key.at, missing + "give -p " + key.text + "=VALUE");
  }

  void set(const std::string& name, const std::string& type, const std::string& value, const Place& at) {
    const Status status = check_value(type, value);
    if (!status.ok()) problems_.add(at, "parameter '" + name + "': " + status.what());
    values_.push_back({name, type, value});
  }

  const std::map<std::string, std::string>& given_;
  const Place& given_at_;
  const bool fragment_;
  Problems& problems_;
  std::vector<std::string> names_;
  std::vector<ParameterValue> values_;
};

std::optional<std::string> lookup(const std::string& name, const std::vector<ParameterValue>& parameters,
                                  const Environment& environment, const Place& at, Problems& problems) {
  if (name.starts_with("env:")) {
    if (auto value = environment(name.substr(4))) return value;
    problems.add(at, "the environment has no '" + name.substr(4) + "'");
    return std::nullopt;
  }
  const auto it = std::ranges::find(parameters, name, &ParameterValue::name);
  if (it != parameters.end()) return it->value;
  std::vector<std::string> names;
  for (const ParameterValue& parameter : parameters) names.push_back(parameter.name);
  problems.add(at, "no parameter '" + name + "'" + did_you_mean(name, names));
  return std::nullopt;
}

std::vector<ParameterValue> read_declared(const Node* declared, Reader reader, Problems& problems) {
  if (declared != nullptr && !declared->is_map()) {
    problems.add(declared->at, "'parameters' must be a map, not " + kind_text(*declared));
    return {};
  }
  for (std::size_t i = 0; declared != nullptr && i < declared->keys.size(); ++i) {
    reader.declare(declared->keys[i], declared->items[i]);
  }
  return reader.finish();
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

std::vector<ParameterValue> read_parameters(const Node* declared, const std::map<std::string, std::string>& given,
                                            const Place& command_line, Problems& problems) {
  return read_declared(declared, Reader(given, command_line, false, problems), problems);
}

std::vector<ParameterValue> read_fragment_parameters(const Node* declared,
                                                     const std::map<std::string, std::string>& given,
                                                     const Place& included, Problems& problems) {
  return read_declared(declared, Reader(given, included, true, problems), problems);
}

void substitute_below(Node& root, const std::vector<ParameterValue>& parameters, const Environment& environment,
                      Problems& problems) {
  for (std::size_t i = 0; i < root.keys.size() && i < root.items.size(); ++i) {
    if (root.keys[i].text == "parameters") continue;
    substitute(root.items[i], parameters, environment, problems);
  }
}

void substitute(Node& node, const std::vector<ParameterValue>& parameters, const Environment& environment,
                Problems& problems) {
  for (Node& item : node.items) substitute(item, parameters, environment, problems);
  if (!node.is_scalar() || node.text.find('$') == std::string::npos) return;
  std::string out;
  const std::string& text = node.text;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = std::string_view(text).substr(i);
    const std::size_t close = rest.find('}');
    if (rest.starts_with("$$")) {
      out += '$';
      ++i;
    } else if (rest.starts_with("${") && close != std::string_view::npos) {
      out += lookup(std::string(rest.substr(2, close - 2)), parameters, environment, node.at, problems).value_or("");
      i += close;
    } else {
      out += text[i];
    }
  }
  node.text = std::move(out);
  node.plain = false;
  node.text_column = 0;
}

}  // namespace stream
