#include <sqlite3.h>
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <vector>

#include "snapshot/table_loader.h"
#include "tests/support/temp_dir.h"

using namespace stream;

namespace {

constexpr std::uint32_t kPageSizes[] = {512, 4096, 32768, 65536};

// A database as SQLite itself sees it.
class Sql {
 public:
  explicit Sql(const std::string& path) {
    BOOST_REQUIRE(sqlite3_open(path.c_str(), &db_) == SQLITE_OK);
    sqlite3_exec(db_, "PRAGMA cell_size_check=ON", nullptr, nullptr, nullptr);
  }
  ~Sql() { sqlite3_close(db_); }
  Sql(const Sql&) = delete;
  Sql& operator=(const Sql&) = delete;

  // The first column of all rows.
  std::vector<std::string> all(const std::string& sql) {
    std::vector<std::string> rows;
    const auto add = [](void* to, int, char** values, char**) {
      static_cast<std::vector<std::string>*>(to)->emplace_back(values[0] == nullptr ? "NULL" : values[0]);
      return 0;
    };
    char* error = nullptr;
    const int code = sqlite3_exec(db_, sql.c_str(), add, &rows, &error);
    BOOST_REQUIRE_MESSAGE(code == SQLITE_OK, sql << ": " << (error != nullptr ? error : ""));
    return rows;
  }
  std::string one(const std::string& sql) { return all(sql).at(0); }
  sqlite3* handle() { return db_; }

 private:
  sqlite3* db_ = nullptr;
};

// One row, for us and for SQLite.
struct Made {
  std::int64_t n = 0;
  double real = 0;
  std::string text;
  bool null = false;
};

void insert(Sql& sql, const std::vector<Made>& rows) {
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v2(sql.handle(), "INSERT INTO theirs VALUES (?, ?, ?, ?)", -1, &statement, nullptr);
  sql.all("BEGIN");
  for (const Made& row : rows) {
    row.null ? sqlite3_bind_null(statement, 1) : sqlite3_bind_int64(statement, 1, row.n);
    sqlite3_bind_double(statement, 2, row.real);
    sqlite3_bind_text(statement, 3, row.text.data(), static_cast<int>(row.text.size()), SQLITE_STATIC);
    sqlite3_bind_blob(statement, 4, row.text.data(), static_cast<int>(row.text.size()), SQLITE_STATIC);
    BOOST_REQUIRE(sqlite3_step(statement) == SQLITE_DONE);
    sqlite3_reset(statement);
  }
  sqlite3_finalize(statement);
  sql.all("COMMIT");
}

std::uint32_t make(const std::string& path, std::uint32_t page_size, const std::vector<Made>& rows) {
  Sql sql(path);
  sql.all("PRAGMA page_size = " + std::to_string(page_size));
  for (const char* name : {"ours", "theirs"})
    sql.all("CREATE TABLE " + std::string(name) + " (n INTEGER, x REAL, t TEXT, b BLOB)");
  insert(sql, rows);
  return static_cast<std::uint32_t>(std::stoul(sql.one("SELECT rootpage FROM sqlite_master WHERE name = 'ours'")));
}

void require_done(const Status& status) { BOOST_REQUIRE_MESSAGE(status.ok(), status.what()); }

void load(const std::string& path, std::uint32_t root, const std::vector<Made>& rows) {
  auto loader = TableLoader::open(path, root);
  require_done(loader.status());
  SqliteRecord record;
  for (const Made& row : rows) {
    record.clear();
    row.null ? record.null() : record.integer(row.n);
    record.real(row.real);
    record.text(row.text);
    record.blob(row.text);
    require_done((*loader)->add(record));
  }
  require_done((*loader)->finish());
}

// What SQLite finds is what it would have written itself, and it goes on with the file.
void check_same(std::uint32_t page_size, const std::vector<Made>& rows) {
  BOOST_TEST_CONTEXT("pages of " << page_size << ", " << rows.size() << " rows") {
    const TempDir dir;
    const std::string path = dir / "a.sqlite";
    load(path, make(path, page_size, rows), rows);
    Sql sql(path);
    BOOST_TEST(sql.one("PRAGMA integrity_check") == "ok");
    const std::string columns =
        " rowid || '|' || quote(n) || typeof(n) || quote(x) || typeof(x) || quote(t) || quote(b) ";
    const auto read = [&](const char* table) {
      return sql.all("SELECT" + columns + "FROM " + std::string(table) + " ORDER BY rowid");
    };
    BOOST_TEST((read("ours") == read("theirs")));
    if (!rows.empty()) {
      const std::string last = std::to_string(rows.size());
      BOOST_TEST(sql.one("SELECT count(*) FROM ours WHERE rowid = " + last) == "1");
    }
    sql.all("INSERT INTO ours SELECT * FROM theirs");
    sql.all("DELETE FROM ours WHERE rowid % 3 = 1");
    BOOST_TEST(sql.one("PRAGMA integrity_check") == "ok");
  }
}

std::vector<Made> numbered(std::size_t count, const std::function<std::size_t(std::size_t)>& length) {
  std::vector<Made> rows(count);
  for (std::size_t i = 0; i < count; ++i) {
    rows[i] = {static_cast<std::int64_t>(i * 7919), static_cast<double>(i) / 4,
               std::string(length(i), static_cast<char>('a' + i % 26)), i % 11 == 0};
  }
  return rows;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(table_loader)

BOOST_AUTO_TEST_CASE(numbers_are_what_sqlite_makes_of_them) {
  std::vector<Made> rows;
  for (int bits = 0; bits < 64; ++bits) {
    for (const std::int64_t off : {-1, 0, 1}) {
      const std::int64_t n = static_cast<std::int64_t>((std::uint64_t{1} << bits) + static_cast<std::uint64_t>(off));
      rows.push_back({n, static_cast<double>(n), "", false});
      rows.push_back(
          {static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(n)), -static_cast<double>(n), "x", false});
    }
  }
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double real : {0.0, -0.0, 0.1, -0.5, 1e300, -1e-300, infinity, -infinity, 0x1p51, 0x1p51 - 1}) {
    rows.push_back({0, real, "", true});
  }
  check_same(4096, rows);
}

BOOST_AUTO_TEST_CASE(few_rows_and_many_in_pages_of_any_size) {
  for (const std::uint32_t page_size : kPageSizes) {
    for (const std::size_t count : {0, 1, 2, 3, 10, 50, 400}) {
      check_same(page_size, numbered(count, [](std::size_t i) { return i % 40; }));
    }
  }
}

BOOST_AUTO_TEST_CASE(trees_of_several_levels) {
  check_same(512, numbered(20'000, [](std::size_t i) { return i % 30; }));
  check_same(4096, numbered(60'000, [](std::size_t) { return std::size_t{20}; }));
}

// Around every bound at which more of a row moves to pages of its own.
BOOST_AUTO_TEST_CASE(rows_of_any_length) {
  for (const std::uint32_t page_size : kPageSizes) {
    const std::size_t begin = page_size / 2 - 40;
    check_same(page_size, numbered(80, [&](std::size_t i) { return begin + i; }));
    check_same(page_size, numbered(60, [&](std::size_t i) { return i * page_size / 7; }));
  }
  check_same(512, numbered(3, [](std::size_t i) { return i * 100'000; }));
}

BOOST_AUTO_TEST_CASE(records_of_very_many_columns) {
  for (const std::size_t columns : {1, 125, 126, 127, 128, 129, 1000}) {
    const TempDir dir;
    const std::string path = dir / "a.sqlite";
    SqliteRecord record;
    std::string names;
    for (std::size_t i = 0; i < columns; ++i) {
      names += (i == 0 ? "c" : ", c") + std::to_string(i);
      record.integer(static_cast<std::int64_t>(i));
    }
    Sql(path).all("CREATE TABLE t (" + names + ")");
    auto loader = TableLoader::open(path, 2);
    require_done(loader.status());
    require_done((*loader)->add(record));
    require_done((*loader)->finish());
    Sql sql(path);
    BOOST_TEST(sql.one("PRAGMA integrity_check") == "ok");
    const std::string last = std::to_string(columns - 1);
    BOOST_TEST(sql.one("SELECT c" + last + " FROM t") == last);
  }
}

// The file has a hole as large as what comes before that page; SQLite finds nothing wrong but that nobody uses it.
BOOST_AUTO_TEST_CASE(nothing_is_in_the_page_that_sqlite_locks) {
  for (const std::uint32_t page_size : {4096U, 65536U}) {
    BOOST_TEST(std::uint64_t{lock_page(page_size) - 1} * page_size == std::uint64_t{1} << 30);
    const TempDir dir;
    const std::string path = dir / "a.sqlite";
    const std::uint32_t root = make(path, page_size, {});
    const std::uint32_t pages = lock_page(page_size) - 3;
    std::filesystem::resize_file(path, std::uint64_t{pages} * page_size);
    {
      FILE* file = std::fopen(path.c_str(), "r+b");
      std::uint8_t number[4];
      put_big_endian(pages, 4, number);
      std::fseek(file, 28, SEEK_SET);
      BOOST_REQUIRE(std::fwrite(number, 1, sizeof number, file) == sizeof number);
      std::fclose(file);
    }
    const auto rows = numbered(40, [&](std::size_t) { return page_size / 2 + 1000; });
    load(path, root, rows);
    Sql sql(path);
    BOOST_TEST(sql.one("SELECT count(*) FROM ours WHERE length(t) = length(b) AND t = CAST(b AS TEXT)") == "40");
    for (const std::string& said : sql.all("PRAGMA integrity_check(1000000)")) {
      BOOST_TEST(said.ends_with(" is never used"), said);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_database_is_refused) {
  const TempDir dir;
  const std::string path = dir / "a.sqlite";
  BOOST_TEST((TableLoader::open(path, 2).status().code() == Code::kNotFound));
  Sql(path).all("CREATE TABLE t (n)");
  BOOST_TEST((TableLoader::open(path, 3).status().code() == Code::kCorrupt));
  BOOST_TEST((TableLoader::open(path, 1).status().code() == Code::kCorrupt));
  std::filesystem::resize_file(path, 10);
  BOOST_TEST(!TableLoader::open(path, 2).ok());
}

BOOST_AUTO_TEST_SUITE_END()
