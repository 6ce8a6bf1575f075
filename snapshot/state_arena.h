// StateArena: the addresses that bounded state lies at, what of it is in memory, and what is on disk.
//
// Offset in the range of addresses = offset in the file. All calls are made with the lock of StateMemory held.
#pragma once

#include <cerrno>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "snapshot/extent_queue.h"
#include "snapshot/memory_budget.h"
#include "snapshot/spill_file.h"

namespace stream {

// What ends the process: no memory left to give, or no disk.
struct SpillFailure {
  const char* what = nullptr;  // null: none
  int error = 0;               // number of a system error, if it is one
  std::uint64_t needed = 0;    // what `memory` has to be; 0: that is not the cause
};

class StateArena {
 public:
  StateArena(std::string folder, std::uint64_t memory_bytes);
  StateArena(const StateArena&) = delete;
  StateArena& operator=(const StateArena&) = delete;
  ~StateArena();

  // Null: see failure().
  std::uint8_t* allocate(std::size_t size);
  void release(std::uint8_t* start, std::size_t size);
  bool owns(const void* address) const;
  // Among its addresses, used or not. Needs no lock.
  bool spans(const void* address) const {
    const auto* at = static_cast<const std::uint8_t*>(address);
    return at >= start_ && at < start_ + addresses_;
  }

  // Ordinary memory that counts as state, if it may be so much.
  bool take_passing(std::size_t size);
  void give_passing(std::size_t size) { passing_ -= size; }

  // An access to `address` was refused. True: it can be repeated. False: it is a mistake, or see failure().
  bool admit(const void* address);

  // The disk did not give what is spilled, or did not take it.
  void not_read() { fail("read", EIO); }

  // False: see failure().
  bool look();
  // Little is left for state: what others have freed should be given back.
  bool short_of_memory() const { return limit_ < 2 * MemoryBudget::kLeast; }
  // Near the bound, where every moment counts.
  bool tight() const { return state_bytes() + budget_.memory_bytes() / 8 > limit_; }

  std::uint64_t spilled_bytes() const { return queue_.away() * extent_; }
  const SpillFailure& failure() const { return failure_; }
  const std::string& folder() const { return folder_; }
  const MemoryBudget& budget() const { return budget_; }

 private:
  std::uint64_t state_bytes() const { return ordinary_bytes_ + passing_ + queue_.in_memory() * extent_; }
  std::optional<std::uint64_t> take_range(std::size_t size);
  bool make_ordinary(std::uint64_t offset, std::size_t size);
  bool make_spilled(std::uint64_t offset, std::size_t size);
  void touch_ordinary();
  bool open_file();
  bool measure();
  bool make_room(std::uint64_t bytes);
  bool spill_one();
  bool put_out();
  bool rest_some();
  bool protect(std::uint64_t offset, std::size_t size, int protection);
  bool fail(const char* what, int error);

  std::string folder_;
  MemoryBudget budget_;
  std::size_t extent_;  // bytes
  std::uint8_t* start_ = nullptr;
  std::uint64_t addresses_ = 0;
  std::uint64_t end_ = 0;                          // of what was ever used
  std::map<std::uint64_t, std::size_t> free_;      // ranges below end_
  std::map<std::uint64_t, std::size_t> ordinary_;  // in memory and not in the file yet
  std::uint64_t ordinary_bytes_ = 0;
  std::uint64_t passing_ = 0;
  ExtentQueue queue_;  // of what is mapped from the file
  SpillFile file_;
  std::uint64_t limit_ = UINT64_MAX;  // for state_bytes()
  std::uint64_t state_at_look_ = 0;
  std::uint32_t admitted_ = 0;  // since the last look
  bool all_touched_ = false;    // ordinary memory is counted as a whole, so it is all there
  bool pressed_ = false;        // much of the memory is in use
  SpillFailure failure_;
};

// What the system counts as the process's, in bytes. May be called in a signal handler.
std::uint64_t resident_bytes();

}  // namespace stream
