// Reporter: takes snapshots somewhere. One is driven by one thread, see service.h.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/metrics/reporter_spec.h"
#include "supervisor/metrics/snapshot.h"
#include "transport/base/status.h"

namespace stream::metrics {

// How long one delivery may take, so that the others come to their turn.
inline constexpr Microseconds kDeliveryMax = 2'000'000;

class Reporter {
 public:
  virtual ~Reporter() = default;

  // Within about kDeliveryMax. Errors: what could not be done, to what, and why; it is tried again with a later one.
  virtual Status report(const MetricsSnapshot& snapshot) = 0;
  // The job is over; what report() got last is the last there is.
  virtual void finish() {}
  // Of one that answers when it is asked: how often it has. Others deliver, and are counted by who drives them.
  virtual std::uint64_t answered() const { return 0; }
};

// For a reporter that is asked: what there is now, filtered. Called from any thread.
using Newest = std::function<std::shared_ptr<const MetricsSnapshot>()>;
// A line for the log of the job. Called from any thread.
using Say = std::function<void(std::string)>;

// What a reporter is made with.
struct ReporterSetup {
  ReporterSpec spec;
  std::map<std::string, std::string> secrets;  // option -> its text
  Newest newest;
  Say say;

  // Values of options, or their defaults.
  std::string text(std::string_view option) const;
  std::vector<std::string> list(std::string_view option) const;
  std::map<std::string, std::string> map(std::string_view option) const;  // of "k=v"
  std::int64_t integer(std::string_view option) const;
  bool flag(std::string_view option) const;
};

enum class OptionKind : std::uint8_t { kText, kAddress, kUrl, kInteger, kFlag, kSecret, kFile, kList, kMap, kWord };

struct ReporterOption {
  std::string_view name;
  OptionKind kind = OptionKind::kText;
  std::string_view fallback = {};  // "" = none
  std::string_view meaning = {};
  bool required = false;
  std::string_view words = {};  // kWord: "a|b"
};

struct ReporterKind {
  std::string_view name;
  bool asked = false;  // it answers, and takes no interval
  std::string_view meaning;
  std::span<const ReporterOption> options;
  std::unique_ptr<Reporter> (*make)(ReporterSetup setup);
};

std::span<const ReporterKind> reporter_kinds();
const ReporterKind* find_reporter_kind(std::string_view name);

}  // namespace stream::metrics
