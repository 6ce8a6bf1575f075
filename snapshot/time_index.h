// TimeIndex: for every time, the first row of the list of rows with that time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace stream {

class TimeIndex {
 public:
  using Map = std::map<std::int64_t, std::uint32_t>;

  // The head of the list of `time`, kNoRow when it is made here. Stays valid until erase(time).
  std::uint32_t& head(std::int64_t time);
  void erase(std::int64_t time);
  void clear();

  std::optional<std::int64_t> first() const {
    return heads_.empty() ? std::nullopt : std::optional(heads_.begin()->first);
  }
  const Map& heads() const { return heads_; }
  std::size_t size_bytes() const { return heads_.size() * 48; }

 private:
  Map heads_;
  Map::iterator last_ = heads_.end();  // rows of one time come together
};

}  // namespace stream
