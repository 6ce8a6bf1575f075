// What is said of the savepoints that a job makes by itself, and of those that go again: `savepoints:` of a manifest,
// or `stream savepoint --every`.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "supervisor/document.h"
#include "supervisor/job_paths.h"
#include "supervisor/manifest_keys.h"
#include "transport/base/clock.h"

namespace stream {

inline constexpr Microseconds kSavepointEveryLeast = 1'000'000;

struct SavepointRules {
  Microseconds every_us = 0;     // 0 = none are made
  std::int64_t keep = 0;         // so many of the newest; 0 = however many
  Microseconds keep_for_us = 0;  // 0 = for ever
  bool single_file = false;
  bool archive = false;
  std::string to = {};  // absolute: they are made in TO/JOB; "" = the job's savepoints folder

  friend bool operator==(const SavepointRules&, const SavepointRules&) = default;
};

// Keys of a manifest and options of the verb.
inline constexpr ManifestKey kSavepointKeys[] = {
    {.name = "every",
     .arg = "DURATION",
     .doc = "Have the job make a savepoint by itself so often, at least 1s.",
     .kind = KeyShape::kDuration},
    {.name = "keep",
     .arg = "N",
     .doc = "Delete all but the newest N of those that have no label, no note and no place of their own.",
     .kind = KeyShape::kCount,
     .least = 1,
     .most = 1'000'000},
    {.name = "keep-for",
     .arg = "DURATION",
     .doc = "Delete those that are older, but the newest. What has a label, a note or a place of its own stays.",
     .kind = KeyShape::kDuration},
    {.name = "to",
     .arg = "PATH",
     .doc =
         "Folder to make those in that the job makes by itself, as PATH/JOB/N; not set: the job's savepoints folder."},
    {.name = "single-file", .doc = "One SQLite file instead of a folder.", .kind = KeyShape::kFlag},
    {.name = "archive",
     .doc = "One compressed file instead of a folder, FILE.tar.zst: every verb opens it, and so does tar --zstd.",
     .kind = KeyShape::kFlag},
};

// Relative paths start at `folder`.
SavepointRules read_savepoint_rules(const Node& node, const std::string& folder, Problems& problems);

nlohmann::json rules_to_json(const SavepointRules& rules);
SavepointRules rules_from_json(const nlohmann::json& json);  // what is absent or of the wrong kind is not said

// "one every 1h; keeps 24; for 7d; as archives; in /backup/JOB"
std::string rules_text(const SavepointRules& rules, const std::string& job);

// Where those that a job makes by itself go, if the rules say so: a folder, or a URL without its options.
std::string place_of_savepoints(const SavepointRules& rules, const std::string& job);

// Where those are that the rules are about: the job's own folder, and the one that is said.
std::vector<std::string> savepoint_folders_of(const SavepointRules& rules, const JobPaths& job);

}  // namespace stream
