// The keys of a manifest as data: what reads them, and the JSON Schema that editors know them by, look at the same
// tables.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stream {

// What stands behind a key.
enum class KeyShape : std::uint8_t {
  kText,
  kTexts,  // one, or a list of them
  kName,   // see valid_name()
  kDuration,
  kCount,  // an integer from `least` to `most`
  kNumber,
  kSize,
  kChoice,
  kFlag,
  kInput,  // a stage, a list of stages, or a map from a name to one
  kValue,  // any scalar
  kKeys,   // a map with the keys of `keys`
  kNamed,  // a map from any name to such a map
  kList,   // a list of such maps
  kRows,   // a list of rows
  kStages,
  kReporters,  // of metrics: see metrics/reporter.h
};

struct ManifestKey {
  std::string_view name;
  std::string_view arg = {};  // where it is an option of a verb too: what stands for the value
  std::string_view doc;       // a sentence or two
  KeyShape kind = KeyShape::kText;
  std::string_view fallback = {};          // what holds where it is absent
  std::string_view choices = {};           // "none|fixed-delay"; of another kind, words that may stand instead
  std::string_view only = {};              // of `restart`: the strategies it belongs to, "" = all
  std::span<const ManifestKey> keys = {};  // of what is below
  KeyShape instead = KeyShape::kKeys;  // what may stand in place of such a map: kText, kTexts, kRows; kKeys = nothing
  std::uint32_t least = 0;
  std::uint32_t most = UINT32_MAX;
  bool required = false;
  bool names = false;  // what is named in such a map has names as pipelines do
};

// One table a map, from the top down.
std::span<const ManifestKey> manifest_keys();
std::span<const ManifestKey> fragment_keys();  // of a file that is included

// The table behind a path of keys: "checkpoint", "evolve", "evolve.tables". A programmer's mistake if there is none.
std::span<const ManifestKey> keys_of(std::string_view path);
const ManifestKey& key_of(std::span<const ManifestKey> keys, std::string_view name);  // the same

std::vector<std::string> names_of(std::span<const ManifestKey> keys);
std::vector<std::string> choices_of(const ManifestKey& key);

}  // namespace stream
