// Time zones by IANA name, from the system's zoneinfo files.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

namespace stream::expression {

class Zone {
 public:
  virtual ~Zone() = default;
  // Seconds to add to UTC at that instant.
  virtual std::int64_t offset_s(std::int64_t utc_us) const = 0;

  // Shown time (as if UTC) of an instant and back. In a gap or an overlap the earlier instant.
  std::int64_t to_local(std::int64_t utc_us) const { return utc_us + offset_s(utc_us) * 1'000'000; }
  std::int64_t to_utc(std::int64_t local_us) const;
};

// Null if there is no such zone. Cached for the life of the process; any thread may call.
const Zone* find_zone(std::string_view name);

}  // namespace stream::expression
