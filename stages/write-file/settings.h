// What the options of write-file say, and where they come together.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stages/expression/select_list.h"
#include "stages/format/encoder.h"
#include "stages/kit/plan.h"
#include "transport/base/files.h"

namespace stream {

enum class IfExists : std::uint8_t { kAppend, kReplace, kFail };

struct FileSettings {
  std::string path;          // absolute; a folder without its last slash
  std::string storage = {};  // URL, where `path` is in object storage: without its options
  bool parts = false;        // a folder of parts, else one file
  EncoderOptions encoder;
  std::string extension;  // "ndjson", "csv" or "avro"
  IfExists if_exists = IfExists::kFail;
  std::vector<SelectedColumn> by;  // folders below `path`
  std::uint64_t roll_size = 128 << 20;
  Microseconds roll_every = 3'600'000'000;
  std::optional<Microseconds> success_after = {};  // past the newest row of a folder it is complete; none: not marked
};

// What is wrong goes to `errors`.
FileSettings file_settings(const Values& options, const std::string& folder, const Schema& schema,
                           std::vector<PlanError>& errors);

PlanAnswer plan_write_file(const PlanRequest& request);

// The folder a path stands in.
std::string parent_of(const std::string& path);
std::string name_of(const std::string& path);

}  // namespace stream
