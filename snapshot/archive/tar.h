// Tar: the little of the format that an archive of a savepoint needs: regular files, in one folder or none.
//
// Written as ustar, which every tar reads; read as ustar, pax and GNU tar write it, so that an archive may be packed
// again by hand. Links, devices and sparse files are refused.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "transport/base/status.h"

namespace stream {

inline constexpr std::size_t kTarBlock = 512;

struct TarEntry {
  std::string name;  // as it stands in the archive: "17/savepoint.sqlite"
  std::uint64_t size_bytes = 0;
  bool folder = false;
};

// The block before an entry's bytes. Errors: kUsage if the name is too long for the format.
Result<std::string> tar_header(const TarEntry& entry, std::int64_t modified_s);
// Zeros that follow so many bytes, up to a whole block.
std::size_t tar_padding(std::uint64_t size_bytes);

// The name of a file of an entry, without the one folder it may be in; "" of a folder. Errors: kUsage if it lies
// elsewhere: "../x", "/x", "a/b/x".
Result<std::string> name_in_archive(const TarEntry& entry);

class TarReader {
 public:
  // Fills as much as it can; 0 = the end.
  using Source = std::function<Result<std::size_t>(std::span<char>)>;
  explicit TarReader(Source source) : source_(std::move(source)) {}

  // Goes to the next entry, whatever is left of this one; none: the archive is over, and so is its source.
  // Errors: kCorrupt if it is no tar or is cut off, kUsage if it holds what no savepoint holds.
  Result<std::optional<TarEntry>> next();
  // Bytes of the entry; 0 at its end.
  Result<std::size_t> read(std::span<char> out);

 private:
  using Attributes = std::map<std::string, std::string, std::less<>>;
  Status fill(std::span<char> out);
  Status skip(std::uint64_t bytes);
  Result<std::string> text(std::uint64_t size_bytes);
  Result<Attributes> attributes(std::uint64_t size_bytes);
  Result<TarEntry> entry_of(const std::array<char, kTarBlock>& header, std::uint64_t size_bytes, Attributes given);
  Status expect_end();

  Source source_;
  std::uint64_t left_ = 0;  // of the entry
  std::uint64_t padding_ = 0;
};

}  // namespace stream
