#include "snapshot/table_loader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace stream {
namespace {

constexpr std::size_t kFileHeader = 100;
constexpr std::size_t kLeafHeader = 8;
constexpr std::size_t kInteriorHeader = 12;
constexpr std::size_t kPointer = 2;
constexpr std::size_t kPageNumber = 4;
constexpr std::uint8_t kLeaf = 13;
constexpr std::uint8_t kInterior = 5;
constexpr std::uint64_t kLockByte = 1 << 30;
constexpr std::size_t kRowMax = 1'000'000'000;  // of SQLite
constexpr std::size_t kWriteBytes = 1 << 20;

std::uint64_t get_big_endian(const std::uint8_t* from, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | from[i];
  return value;
}

// Type, number of cells, where their content begins.
void put_page_header(std::uint8_t* page, std::uint8_t type, std::size_t cells, std::size_t content) {
  page[0] = type;
  put_big_endian(cells, 2, page + 3);
  put_big_endian(content, 2, page + 5);  // 65536 as 0
}

}  // namespace

std::uint32_t lock_page(std::uint32_t page_size) { return static_cast<std::uint32_t>(kLockByte / page_size) + 1; }

Result<std::unique_ptr<TableLoader>> TableLoader::open(const std::string& path, std::uint32_t root) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return system_error("open", path, errno);
  std::unique_ptr<TableLoader> loader(new TableLoader(path, fd, root));
  STREAM_TRY(loader->read_header());
  loader->start_leaf();
  return loader;
}

TableLoader::~TableLoader() { ::close(fd_); }

Status TableLoader::read_header() {
  std::uint8_t header[kFileHeader];
  if (::pread(fd_, header, sizeof header, 0) != static_cast<ssize_t>(sizeof header)) {
    return system_error("read", path_, errno);
  }
  const auto size = static_cast<std::uint32_t>(get_big_endian(header + 16, 2));
  page_size_ = size == 1 ? 65536 : size;
  pages_ = static_cast<std::uint32_t>(get_big_endian(header + 28, 4));
  const bool plain = std::memcmp(header, "SQLite format 3", 16) == 0 && header[20] == 0;
  if (!plain || page_size_ < 512 || root_ < 2 || root_ > pages_) {
    return corrupt("unable to write '" + path_ + "': it is not the database it should be");
  }
  return {};
}

std::uint32_t TableLoader::new_page() {
  if (++pages_ == lock_page(page_size_)) ++pages_;
  return pages_;
}

void TableLoader::start_leaf() {
  leaf_.assign(page_size_, 0);
  cells_ = 0;
  content_ = page_size_;
}

// How much of a row is in its leaf, as the format says; the rest is in pages of its own.
std::size_t TableLoader::local_size(std::size_t payload) const {
  if (payload <= page_size_ - 35) return payload;
  const std::size_t least = (page_size_ - 12) * 32 / 255 - 23;
  const std::size_t local = least + (payload - least) % (page_size_ - kPageNumber);
  return local <= page_size_ - 35 ? local : least;
}

Status TableLoader::add(const SqliteRecord& row) {
  if (row.size() > kRowMax) return failed("unable to write '" + path_ + "': a row has more than 1 GB");
  payload_.resize(row.size());
  row.write(payload_.data());
  const std::size_t local = local_size(payload_.size());
  std::uint8_t head[2 * kVarintMax];
  std::size_t head_size = put_varint(payload_.size(), head);
  head_size += put_varint(rows_ + 1, head + head_size);
  const bool more = local < payload_.size();
  const std::size_t cell = head_size + local + (more ? kPageNumber : 0);
  if (kLeafHeader + (cells_ + 1) * kPointer + cell > content_) STREAM_TRY(flush_leaf());
  content_ -= cell;
  std::uint8_t* at = leaf_.data() + content_;
  std::memcpy(at, head, head_size);
  std::memcpy(at + head_size, payload_.data(), local);
  if (more) {
    std::uint32_t first = 0;
    STREAM_TRY(overflow(local, first));
    put_big_endian(first, kPageNumber, at + head_size + local);
  }
  put_big_endian(content_, kPointer, leaf_.data() + kLeafHeader + cells_ * kPointer);
  ++cells_;
  ++rows_;
  return {};
}

Status TableLoader::flush_leaf() {
  put_page_header(leaf_.data(), kLeaf, cells_, content_);
  leaves_.push_back({new_page(), rows_});
  STREAM_TRY(put_page(leaves_.back().page, leaf_.data()));
  start_leaf();
  return {};
}

// What of a row is not in its leaf: a chain of pages.
Status TableLoader::overflow(std::size_t local, std::uint32_t& first) {
  std::vector<std::uint8_t> page(page_size_);
  const std::size_t room = page_size_ - kPageNumber;
  std::uint32_t number = first = new_page();
  for (std::size_t at = local; at < payload_.size(); at += room) {
    const std::size_t size = std::min(room, payload_.size() - at);
    const std::uint32_t next = at + size < payload_.size() ? new_page() : 0;
    put_big_endian(next, kPageNumber, page.data());
    std::memcpy(page.data() + kPageNumber, payload_.data() + at, size);
    std::memset(page.data() + kPageNumber + size, 0, room - size);
    STREAM_TRY(put_page(number, page.data()));
    number = next;
  }
  return {};
}

// Pages come in the order of their numbers, but for the one that is left out.
Status TableLoader::put_page(std::uint32_t page, const std::uint8_t* bytes) {
  const std::size_t waiting = waiting_.size() / page_size_;
  if (waiting_.size() >= kWriteBytes || page != waiting_from_ + waiting) STREAM_TRY(flush_pages());
  if (waiting_.empty()) waiting_from_ = page;
  waiting_.insert(waiting_.end(), bytes, bytes + page_size_);
  return {};
}

Status TableLoader::flush_pages() {
  if (waiting_.empty()) return {};
  STREAM_TRY(write_at(std::uint64_t{waiting_from_ - 1} * page_size_, waiting_.data(), waiting_.size()));
  waiting_.clear();
  return {};
}

Status TableLoader::write_at(std::uint64_t offset, const std::uint8_t* bytes, std::size_t size) {
  while (size != 0) {
    const ssize_t written = ::pwrite(fd_, bytes, size, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return system_error("write", path_, written < 0 ? errno : ENOSPC);
    bytes += written;
    offset += static_cast<std::uint64_t>(written);
    size -= static_cast<std::size_t>(written);
  }
  return {};
}

// All children but the last as cells, that one to the right of them.
Status TableLoader::write_interior(std::uint32_t page, const Child* children, std::size_t count) {
  std::vector<std::uint8_t> bytes(page_size_);
  std::size_t content = page_size_;
  for (std::size_t i = 0; i + 1 < count; ++i) {
    std::uint8_t cell[kPageNumber + kVarintMax];
    put_big_endian(children[i].page, kPageNumber, cell);
    const std::size_t size = kPageNumber + put_varint(children[i].last, cell + kPageNumber);
    content -= size;
    std::memcpy(bytes.data() + content, cell, size);
    put_big_endian(content, kPointer, bytes.data() + kInteriorHeader + i * kPointer);
  }
  put_page_header(bytes.data(), kInterior, count - 1, content);
  put_big_endian(children[count - 1].page, kPageNumber, bytes.data() + 8);
  return page == root_ ? write_at(std::uint64_t{root_ - 1} * page_size_, bytes.data(), page_size_)
                       : put_page(page, bytes.data());
}

// The level above, of pages that are about equally full; the root once it has room for all.
Status TableLoader::write_level(std::vector<Child>& level) {
  const std::size_t most = (page_size_ - kInteriorHeader) / (kPointer + kPageNumber + kVarintMax) + 1;
  const std::size_t pages = (level.size() + most - 1) / most;
  std::vector<Child> above;
  for (std::size_t i = 0; i < pages; ++i) {
    const std::size_t begin = level.size() * i / pages;
    const std::size_t end = level.size() * (i + 1) / pages;
    above.push_back({pages == 1 ? root_ : new_page(), level[end - 1].last});
    STREAM_TRY(write_interior(above.back().page, level.data() + begin, end - begin));
  }
  level = std::move(above);
  return {};
}

Status TableLoader::write_tree() {
  if (leaves_.empty()) {
    put_page_header(leaf_.data(), kLeaf, cells_, content_);
    return write_at(std::uint64_t{root_ - 1} * page_size_, leaf_.data(), page_size_);
  }
  if (cells_ != 0) STREAM_TRY(flush_leaf());
  do STREAM_TRY(write_level(leaves_));
  while (leaves_.size() > 1);
  return {};
}

// The number of pages counts only while the two numbers of changes are the same.
Status TableLoader::write_header() {
  std::uint8_t header[kFileHeader];
  if (::pread(fd_, header, sizeof header, 0) != static_cast<ssize_t>(sizeof header)) {
    return system_error("read", path_, errno);
  }
  const std::uint64_t changes = get_big_endian(header + 24, 4) + 1;
  put_big_endian(changes, 4, header + 24);
  put_big_endian(pages_, 4, header + 28);
  put_big_endian(changes, 4, header + 92);
  return write_at(0, header, sizeof header);
}

Status TableLoader::finish() {
  STREAM_TRY(write_tree());
  STREAM_TRY(flush_pages());
  return write_header();
}

}  // namespace stream
