#include "supervisor/metrics/prometheus.h"

#include <map>
#include <utility>

#include "supervisor/metrics/numbers.h"

namespace stream::metrics {
namespace {

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\' || (quotes && c == '"')) out += '\\';
    c == '\n' ? out += "\\n" : out += c;
  }
}

// {host="a",job_name="b"
std::string labels_of(const MetricGroup& group) {
  std::string out = "{";
  for (const auto& [name, value] : group.variables) {
    if (out.size() > 1) out += ',';
    out += cleaned(name, "_");
    out += "=\"";
    append_escaped(out, value, true);
    out += '"';
  }
  return out;
}

std::string_view type_of(Kind kind) {
  if (kind == Kind::kCounter) return "counter";
  return kind == Kind::kHistogram ? "summary" : "gauge";
}

// Without padding.
std::string base64_url(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (held += 8; held >= 6; held -= 6) out += kDigits[(bits >> (held - 6)) & 63];
  }
  if (held > 0) out += kDigits[(bits << (6 - held)) & 63];
  return out;
}

class Writer {
 public:
  explicit Writer(const MetricsSnapshot& snapshot) {
    for (const MetricGroup& group : snapshot.groups) add(group);
  }

  std::string text() const {
    std::string out;
    for (const auto& [name, family] : families_) out += family.text;
    return out;
  }

 private:
  struct Family {
    std::string name;
    std::string text;
    Kind kind = Kind::kGauge;
    const MetricGroup* newest = nullptr;  // whose series stands here last
  };

  void add(const MetricGroup& group) {
    const std::string labels = labels_of(group);
    for (const MetricPoint& point : group.points) {
      Family& family = family_of(group.scope, point);
      if (std::exchange(family.newest, &group) == &group) continue;
      if ((family.kind == Kind::kHistogram) != (point.kind == Kind::kHistogram)) continue;
      point.kind == Kind::kHistogram ? summary(family.text, family.name, labels, point.histogram)
                                     : sample(family.text, family.name, labels, "}", point.value);
    }
  }

  // Names are made once: a job of hundreds of instances has thousands of series.
  Family& family_of(Scope scope, const MetricPoint& point) {
    Family** known = point.definition == nullptr ? nullptr : &known_[{scope, point.definition}];
    if (known != nullptr && *known != nullptr) return **known;
    const std::string name = prometheus_name(scope, point.name);
    Family& family = families_[name];
    if (family.text.empty()) begin(family, name, point);
    if (known != nullptr) *known = &family;
    return family;
  }

  static void begin(Family& family, const std::string& name, const MetricPoint& point) {
    family.name = name;
    family.kind = point.kind;
    family.text = "# HELP " + name + " ";
    append_escaped(family.text, point.definition == nullptr ? "User-defined." : point.definition->meaning, false);
    family.text += "\n# TYPE " + name + " ";
    family.text += type_of(point.kind);
    family.text += '\n';
  }

  static void sample(std::string& out, std::string_view name, std::string_view labels, std::string_view rest,
                     double value) {
    out += name;
    out += labels;
    out += rest;
    out += ' ';
    append_number(out, value);
    out += '\n';
  }

  static void summary(std::string& out, const std::string& name, const std::string& labels,
                      const HistogramValue& histogram) {
    for (std::size_t i = 0; i < kQuantiles.size(); ++i) {
      const std::string comma = labels.size() > 1 ? "," : "";
      sample(out, name, labels, comma + "quantile=\"" + number_text(kQuantiles[i]) + "\"}", histogram.quantiles[i]);
    }
    sample(out, name + "_count", labels, "}", static_cast<double>(histogram.count));
  }

  std::map<std::string, Family> families_;
  std::map<std::pair<Scope, const MetricDefinition*>, Family*> known_;
};

}  // namespace

std::string prometheus_name(Scope scope, std::string_view metric) {
  return "flink_" + cleaned(scope_name(scope), "_") + "_" + cleaned(metric, "_");
}

std::string prometheus_text(const MetricsSnapshot& snapshot) { return Writer(snapshot).text(); }

std::string push_segment(std::string_view label, std::string_view value) {
  const std::string path = "/" + cleaned(label, "_");
  if (!value.empty() && cleaned(value, "-_.~") == value) return path + "/" + std::string(value);
  return path + "@base64/" + (value.empty() ? "=" : base64_url(value));
}

}  // namespace stream::metrics
