// PartName: the names of one part of a folder.
//
//   key        [FOLDER/]part-INSTANCE-RUN-NUMBER.EXT           what the state table calls it
//   hidden     [FOLDER/].part-INSTANCE-RUN-NUMBER.EXT.inprogress
//   published  [FOLDER/]part-INSTANCE-eEPOCH-RUN-NUMBER.EXT    EPOCH is the one that published it
//
// RUN is the first 8 digits of the run's id and NUMBER is counted by the instance, so names of
// different runs and instances differ; the epoch tells which ones to take back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "stages/kit/stage.h"
#include "transport/base/ids.h"

namespace stream {

struct PartName {
  std::string folder;  // "" or "country=DE/"
  std::uint32_t instance = 0;
  std::string run;  // 8 digits
  std::uint64_t number = 0;
  std::string extension;

  std::string key() const;
  std::string hidden() const;
  std::string published(Epoch epoch) const;
  friend bool operator==(const PartName&, const PartName&) = default;
};

// RUN. By hand there is no run: any 8 digits that another process is unlikely to take.
std::string short_run(const Context& context);

struct FoundPart {
  PartName name;
  std::optional<Epoch> epoch;  // none: hidden
};

// The part a file name in `folder` stands for; none for every other name.
std::optional<FoundPart> parse_part(std::string folder, std::string_view file);
// The part of a key.
std::optional<PartName> parse_key(std::string_view key);

// Which instance answers for a part: the one the state table gives its row to after a rescale.
std::uint32_t owner_of_part(const PartName& name, std::uint32_t parallelism);
// The same of any key of a state table.
std::uint32_t owner_of_key(const std::string& key, std::uint32_t parallelism);

// A value as a part of a path: letters, digits and `-_.:+ ` stand for themselves, other bytes are %XX.
std::string escape_folder(std::string_view value);

}  // namespace stream
