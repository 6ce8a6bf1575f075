#include "supervisor/metrics/ganglia.h"

#include <cmath>

#include "supervisor/metrics/numbers.h"

namespace stream::metrics {
namespace {

constexpr std::uint32_t kMetadata = 128;
constexpr std::uint32_t kValue = 128 + 5;  // as a text, which is read as its type says
constexpr std::uint32_t kSlopeBoth = 3;

class Xdr {
 public:
  Xdr& number(std::uint32_t value) {
    for (const int shift : {24, 16, 8, 0}) bytes_ += static_cast<char>(value >> shift & 255);
    return *this;
  }
  Xdr& text(std::string_view value) {
    number(static_cast<std::uint32_t>(value.size()));
    bytes_ += value;
    bytes_.append((4 - value.size() % 4) % 4, '\0');
    return *this;
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

struct Sample {
  std::string name;
  std::string unit;
  std::string meaning;
  double value = 0;
};

std::string metadata(const std::string& host, const Sample& sample, const GangliaOptions& options) {
  Xdr out;
  out.number(kMetadata).text(host).text(sample.name).number(0);
  out.text("double").text(sample.name).text(sample.unit).number(kSlopeBoth);
  out.number(static_cast<std::uint32_t>(options.tmax)).number(static_cast<std::uint32_t>(options.dmax));
  out.number(2);
  out.text("GROUP").text("stream");
  out.text("DESC").text(sample.meaning);
  return out.take();
}

std::string value(const std::string& host, const Sample& sample) {
  Xdr out;
  out.number(kValue).text(host).text(sample.name).number(0).text("%s").text(number_text(sample.value));
  return out.take();
}

}  // namespace

std::vector<std::string> ganglia_packets(const MetricsSnapshot& snapshot, const GangliaOptions& options) {
  std::vector<std::string> packets;
  const auto add = [&](Sample sample) {
    if (!std::isfinite(sample.value)) return;
    packets.push_back(metadata(snapshot.host, sample, options));
    packets.push_back(value(snapshot.host, sample));
  };
  for (const MetricGroup& group : snapshot.groups) {
    for (const MetricPoint& point : group.points) {
      if (repeated(group, point)) continue;
      const std::string name = identifier(group, point.name);
      const std::string unit(point.definition == nullptr ? "" : point.definition->unit);
      const std::string meaning(point.definition == nullptr ? "User-defined." : point.definition->meaning);
      if (point.kind != Kind::kHistogram) add({name, unit, meaning, point.value});
      if (point.kind != Kind::kHistogram) continue;
      for (const auto& [part, number] : parts_of(point.histogram)) {
        add({name + "." + std::string(part), part == "count" ? "" : unit, meaning, number});
      }
    }
  }
  return packets;
}

}  // namespace stream::metrics
