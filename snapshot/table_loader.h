// TableLoader: many rows into an empty table of an SQLite file, page by page as SQLite would lay them out.
//
// A savepoint holds every row of the state. SQLite takes some 5,000 instructions to insert one of eight columns, most
// of them for what bulk loading needs none of: finding the place, room for undoing it, a look at the schema. What is
// written here is the documented format (https://www.sqlite.org/fileformat2.html) and nothing else: a table b-tree with
// rowids from 1, its pages at the end of the file.
//
// Nothing else may be connected to the file meanwhile, or only without a transaction.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "snapshot/sqlite_record.h"
#include "transport/base/status.h"

namespace stream {

// Page `number` holds the byte that SQLite locks, and nothing may be in it.
std::uint32_t lock_page(std::uint32_t page_size);

class TableLoader {
 public:
  // The table's first page is `root`. Errors: kSystem; kCorrupt if it is no such file.
  static Result<std::unique_ptr<TableLoader>> open(const std::string& path, std::uint32_t root);
  ~TableLoader();
  TableLoader(const TableLoader&) = delete;
  TableLoader& operator=(const TableLoader&) = delete;

  Status add(const SqliteRecord& row);
  // The table is whole after this.
  Status finish();

 private:
  // A page of one level of the tree, and the last rowid below it.
  struct Child {
    std::uint32_t page;
    std::uint64_t last;
  };
  TableLoader(std::string path, int fd, std::uint32_t root) : path_(std::move(path)), fd_(fd), root_(root) {}
  Status read_header();
  std::uint32_t new_page();
  void start_leaf();
  std::size_t local_size(std::size_t payload) const;
  Status flush_leaf();
  Status overflow(std::size_t local, std::uint32_t& first);
  Status put_page(std::uint32_t page, const std::uint8_t* bytes);
  Status flush_pages();
  Status write_at(std::uint64_t offset, const std::uint8_t* bytes, std::size_t size);
  Status write_interior(std::uint32_t page, const Child* children, std::size_t count);
  Status write_level(std::vector<Child>& level);
  Status write_tree();
  Status write_header();

  std::string path_;
  int fd_;
  std::uint32_t root_;
  std::uint32_t page_size_ = 0;
  std::uint32_t pages_ = 0;  // of the file, those that wait below included
  std::vector<std::uint8_t> leaf_;
  std::size_t cells_ = 0;    // in leaf_
  std::size_t content_ = 0;  // where the last of them begins
  std::uint64_t rows_ = 0;
  std::vector<std::uint8_t> payload_;  // of one row
  std::vector<std::uint8_t> waiting_;  // pages side by side that are written together
  std::uint32_t waiting_from_ = 0;     // the first of them
  std::vector<Child> leaves_;          // sixteen bytes for a page of rows
};

}  // namespace stream
