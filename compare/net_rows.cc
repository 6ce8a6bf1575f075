#include "compare/net_rows.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <vector>

namespace stream {
namespace {

constexpr std::uint64_t kEntryBytes = 80;  // of the map, besides the text

using LengthOfKey = std::uint32_t;

std::string entry_of(std::string_view key, std::string_view row) {
  const auto length = static_cast<LengthOfKey>(key.size());
  std::string entry;
  entry.reserve(sizeof length + key.size() + row.size());
  entry.append(reinterpret_cast<const char*>(&length), sizeof length);
  return entry.append(key).append(row);
}

NetRows::Net net_of(const std::pair<const std::string, std::int64_t>& entry) {
  LengthOfKey length = 0;
  std::memcpy(&length, entry.first.data(), sizeof length);
  const std::string_view text = std::string_view(entry.first).substr(sizeof length);
  return {text.substr(0, length), text.substr(length), entry.second};
}

std::uint64_t positive(std::int64_t times) { return times > 0 ? static_cast<std::uint64_t>(times) : 0; }

}  // namespace

Status NetRows::add(std::string_view key, std::string_view row, std::int64_t times) {
  const auto [entry, is_new] = net_.try_emplace(entry_of(key, row), 0);
  only_a_ += positive(entry->second + times) - positive(entry->second);
  only_b_ += positive(-entry->second - times) - positive(-entry->second);
  entry->second += times;
  const std::uint64_t size = entry->first.size() + kEntryBytes;
  if (is_new) bytes_ += size;
  if (entry->second == 0) {
    bytes_ -= size;
    net_.erase(entry);
  }
  return bytes_ > bytes_max_ ? spill() : Status();
}

Status NetRows::open() {
  if (spilled_ != nullptr) return {};
  static std::atomic<int> made;
  const std::string path = scratch_ + "/stream-compare-" + std::to_string(::getpid()) + "-" + std::to_string(++made);
  STREAM_ASSIGN(spilled_, Database::create(path, true));
  if (::unlink(path.c_str()) != 0) return system_error("remove", path, errno);  // it is ours as long as it is open
  return spilled_->execute("PRAGMA cache_size=-32768;CREATE TABLE net (key BLOB, row BLOB, times INTEGER)");
}

Status NetRows::spill() {
  STREAM_TRY(open());
  STREAM_ASSIGN(Statement insert, spilled_->prepare("INSERT INTO net VALUES (?1, ?2, ?3)"));
  for (const auto& entry : net_) {
    const Net net = net_of(entry);
    STREAM_TRY(insert.bind_blob(1, net.key).bind_blob(2, net.row).bind(3, net.times).run());
  }
  net_.clear();
  bytes_ = 0;
  return {};
}

Status NetRows::each(const std::function<Status(const Net&)>& visit) {
  if (spilled_ == nullptr) return each_in_memory(visit);
  STREAM_TRY(spill());
  STREAM_ASSIGN(Statement sorted, spilled_->prepare("SELECT key, row, sum(times) FROM net GROUP BY key, row "
                                                    "HAVING sum(times) <> 0 ORDER BY key, row"));
  for (;;) {
    STREAM_ASSIGN(const bool found, sorted.step());
    if (!found) return {};
    STREAM_TRY(visit({sorted.blob(0), sorted.blob(1), sorted.integer(2)}));
  }
}

Status NetRows::each_in_memory(const std::function<Status(const Net&)>& visit) const {
  std::vector<Net> sorted;
  sorted.reserve(net_.size());
  for (const auto& entry : net_) sorted.push_back(net_of(entry));
  std::ranges::sort(sorted, [](const Net& a, const Net& b) { return a.key != b.key ? a.key < b.key : a.row < b.row; });
  for (const Net& net : sorted) STREAM_TRY(visit(net));
  return {};
}

}  // namespace stream
