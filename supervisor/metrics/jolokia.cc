#include "supervisor/metrics/jolokia.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "supervisor/metrics/mbeans.h"

namespace stream::metrics {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kRoot = "/jolokia";
constexpr std::size_t kRequestsMax = 1000;

struct Refusal {
  int status = 400;
  std::string kind;
  std::string why;
};

// Jolokia's own escapes: "!/" is a slash within a part, "!!" a '!'.
std::vector<std::string> parts_of_path(std::string_view path) {
  std::vector<std::string> parts;
  std::string part;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '!' && i + 1 < path.size()) {
      part += path[++i];
    } else if (path[i] == '/') {
      if (!part.empty()) parts.push_back(std::move(part));
      part.clear();
    } else {
      part += path[i];
    }
  }
  if (!part.empty()) parts.push_back(std::move(part));
  return parts;
}

ordered_json number(double value) {
  if (!std::isfinite(value)) return nullptr;
  if (std::abs(value) < 1e18 && value == std::trunc(value)) return static_cast<std::int64_t>(value);
  return value;
}

class Answerer {
 public:
  explicit Answerer(const MetricsSnapshot& snapshot)
      : beans_(beans_of(snapshot)), seconds_(snapshot.at_us / 1'000'000) {}

  // One request in its JSON form.
  ordered_json answer(const ordered_json& request) const {
    ordered_json out = {{"request", request}};
    try {
      out["value"] = value_of(request);
      out["status"] = 200;
    } catch (const Refusal& refusal) {
      out["error_type"] = refusal.kind;
      out["error"] = refusal.kind + " : " + refusal.why;
      out["status"] = refusal.status;
    }
    out["timestamp"] = seconds_;
    return out;
  }

 private:
  static std::string text(const ordered_json& request, const char* key) {
    const auto it = request.is_object() ? request.find(key) : request.end();
    return it != request.end() && it->is_string() ? it->get<std::string>() : "";
  }

  [[noreturn]] static void refuse(const std::string& why) {
    throw Refusal{400, "java.lang.IllegalArgumentException", why};
  }

  ordered_json value_of(const ordered_json& request) const {
    const std::string type = text(request, "type");
    if (type == "read") return read(request);
    if (type == "search") return search(request);
    if (type == "list") return list(text(request, "path"));
    if (type == "version") return version();
    if (type == "exec" || type == "write") throw Refusal{403, "java.lang.SecurityException", "metrics are only read"};
    refuse("no request of type '" + type + "'");
  }

  static ordered_json version() {
    return {{"agent", STREAM_VERSION}, {"protocol", "7.2"}, {"info", {{"product", "stream"}, {"vendor", "stream"}}}};
  }

  static ObjectName name_of(const ordered_json& request) {
    auto name = parse_object_name(text(request, "mbean"));
    if (!name) throw Refusal{400, "javax.management.MalformedObjectNameException", text(request, "mbean")};
    return *std::move(name);
  }

  static std::vector<std::string> wanted_of(const ordered_json& request) {
    const auto it = request.find("attribute");
    if (it == request.end() || it->is_null()) return {};
    if (it->is_string()) return {it->get<std::string>()};
    if (!it->is_array()) refuse("'attribute' is neither a text nor a list");
    std::vector<std::string> wanted;
    for (const ordered_json& one : *it) wanted.push_back(one.is_string() ? one.get<std::string>() : "");
    return wanted;
  }

  static ordered_json attributes_of(const Bean& bean, const std::vector<std::string>& wanted) {
    ordered_json out = ordered_json::object();
    for (const auto& [name, value] : bean.attributes) {
      if (wanted.empty() || std::ranges::find(wanted, name) != wanted.end()) out[std::string(name)] = number(value);
    }
    return out;
  }

  ordered_json read(const ordered_json& request) const {
    const ObjectName name = name_of(request);
    const std::vector<std::string> wanted = wanted_of(request);
    if (name.pattern()) return read_all(name, wanted);
    const auto it = std::ranges::find_if(beans_, [&](const Bean& bean) { return name.matches(bean.name); });
    if (it == beans_.end()) throw Refusal{404, "javax.management.InstanceNotFoundException", name.text()};
    ordered_json found = attributes_of(*it, wanted);
    if (found.size() < wanted.size()) {
      throw Refusal{404, "javax.management.AttributeNotFoundException", "No such attribute: " + wanted.front()};
    }
    const auto attribute = request.find("attribute");
    const bool alone = attribute != request.end() && attribute->is_string();
    return alone ? ordered_json(found.front()) : found;
  }

  ordered_json read_all(const ObjectName& name, const std::vector<std::string>& wanted) const {
    ordered_json out = ordered_json::object();
    for (const Bean& bean : beans_) {
      if (!name.matches(bean.name)) continue;
      ordered_json found = attributes_of(bean, wanted);
      if (!found.empty()) out[bean.name.text()] = std::move(found);
    }
    if (out.empty()) throw Refusal{404, "javax.management.InstanceNotFoundException", name.text()};
    return out;
  }

  ordered_json search(const ordered_json& request) const {
    const ObjectName name = name_of(request);
    ordered_json out = ordered_json::array();
    for (const Bean& bean : beans_) {
      if (name.matches(bean.name)) out.push_back(bean.name.text());
    }
    return out;
  }

  ordered_json list(const std::string& path) const {
    ordered_json out = ordered_json::object();
    for (const Bean& bean : beans_) {
      ordered_json& described = out[bean.name.domain][bean.name.properties()];
      for (const auto& [name, value] : bean.attributes) {
        described["attr"][std::string(name)] = {{"type", "double"}, {"desc", bean.meaning}, {"rw", false}};
      }
      described["desc"] = bean.meaning;
    }
    for (const std::string& part : parts_of_path(path)) {
      if (!out.is_object() || !out.contains(part)) {
        throw Refusal{404, "javax.management.InstanceNotFoundException", "no '" + part + "' at that path"};
      }
      out = ordered_json(out[part]);
    }
    return out;
  }

  std::vector<Bean> beans_;
  std::int64_t seconds_;
};

// "/jolokia/read/MBEAN/ATTRIBUTE" as a request.
ordered_json request_of_path(std::string_view path) {
  std::vector<std::string> parts = parts_of_path(path);
  if (parts.empty()) return {{"type", "version"}};
  ordered_json request = {{"type", parts[0]}};
  if (parts[0] == "list") {
    const std::size_t begin = path.find("list") + 4;
    if (parts.size() > 1) request["path"] = path.substr(begin + 1);
    return request;
  }
  if (parts.size() > 1) request["mbean"] = parts[1];
  if (parts.size() > 2) request["attribute"] = parts[2];
  return request;
}

HttpAnswer json_answer(int status, const ordered_json& json) {
  return {status, "application/json; charset=utf-8", json.dump(-1, ' ', false, ordered_json::error_handler_t::replace)};
}

}  // namespace

HttpAnswer jolokia_answer(const MetricsSnapshot& snapshot, const HttpQuestion& question) {
  std::string_view path = question.path;
  const bool ours = path.starts_with(kRoot) && (path.size() == kRoot.size() || path[kRoot.size()] == '/');
  if (!ours) return {404, "text/plain; charset=utf-8", "there is only /jolokia\n"};
  const Answerer answerer(snapshot);
  if (question.method == "GET") return json_answer(200, answerer.answer(request_of_path(path.substr(kRoot.size()))));
  const ordered_json body = ordered_json::parse(question.body, nullptr, false);
  if (body.is_object()) return json_answer(200, answerer.answer(body));
  if (!body.is_array() || body.size() > kRequestsMax) {
    return json_answer(400, {{"status", 400}, {"error", "the body must be a request or a list of up to 1000"}});
  }
  ordered_json answers = ordered_json::array();
  for (const ordered_json& request : body) answers.push_back(answerer.answer(request));
  return json_answer(200, answers);
}

}  // namespace stream::metrics
