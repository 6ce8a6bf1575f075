// Reading values of known shape out of a manifest's tree; what is wrong goes to Problems.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "supervisor/document.h"
#include "supervisor/manifest_keys.h"
#include "transport/base/clock.h"

namespace stream {

// "a map", "a list", "a text", "nothing": for messages.
std::string kind_text(const Node& node);

// Reports if `node` is no map, and every key that is not in `known`, with the nearest one.
// `what` is a noun: "checkpoint". True if it is a map.
bool check_map(const Node& node, const std::string& what, std::span<const std::string> known, Problems& problems);
bool check_map(const Node& node, const std::string& what, std::span<const ManifestKey> known, Problems& problems);

// Each sets `to` if the key is there and right, reports if it is there and wrong.
void read(const Node& map, const char* key, std::string& to, Problems& problems);
void read(const Node& map, const char* key, double& to, Problems& problems);
void read_duration(const Node& map, const char* key, Microseconds& to, Problems& problems);
void read_memory(const Node& map, const char* key, std::uint64_t& to, Problems& problems);
void read_count(const Node& map, const char* key, std::uint32_t least, std::uint32_t most, std::uint32_t& to,
                Problems& problems);
void read_count(const Node& map, const ManifestKey& key, std::uint32_t& to, Problems& problems);
// Sets the index in `words`.
void read_word(const Node& map, const char* key, std::span<const std::string> words, std::size_t& to,
               Problems& problems);
void read_word(const Node& map, const ManifestKey& key, std::size_t& to, Problems& problems);  // of its choices
void read_flag(const Node& map, const char* key, bool& to, Problems& problems);
// A text or a list of texts.
void read(const Node& map, const char* key, std::vector<std::string>& to, Problems& problems);

// JSON: scalars as texts, null as null. Bytes that are no UTF-8 are replaced.
std::string node_to_json(const Node& node);

}  // namespace stream
