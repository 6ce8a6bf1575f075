// Strong integer types: numbers of different things do not mix.
#pragma once

#include <compare>
#include <cstdint>

namespace stream {

// No implicit conversion either way: writing n.value() is the visible price of leaving the type.
template <class Tag, class Value = std::uint64_t>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(Value value) : value_(value) {}
  constexpr Value value() const { return value_; }
  constexpr Id next() const { return Id(value_ + 1); }
  friend constexpr auto operator<=>(Id, Id) = default;

 private:
  Value value_ = 0;
};

using Epoch = Id<struct EpochTag>;                       // checkpoint number; 0 = before the first
using Attempt = Id<struct AttemptTag, std::uint32_t>;    // incarnation of a run; 0 = by hand
using ChannelId = Id<struct ChannelTag, std::uint32_t>;  // unique within one attempt of a job
using Sequence = Id<struct SequenceTag>;                 // number of a frame in its channel, from 0
using KeyGroup = Id<struct KeyGroupTag, std::uint32_t>;  // 0 .. key-groups - 1

}  // namespace stream
