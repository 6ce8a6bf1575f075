#include "storage/transfer.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/memory_store.h"
#include "tests/support/temp_dir.h"
#include "transport/base/files.h"

using namespace stream;

BOOST_AUTO_TEST_SUITE(transfer)

BOOST_AUTO_TEST_CASE(parts_cover_the_whole_without_gaps) {
  BOOST_TEST(plan_parts(0, 10).empty());
  BOOST_TEST(plan_parts(10, 10).empty());
  for (const std::uint64_t size : {11U, 20U, 21U, 99'999U, 100'000U, 100'001U, 1'234'567U}) {
    const auto parts = plan_parts(size, 10);
    BOOST_TEST_REQUIRE(parts.size() <= 10'000U);
    std::uint64_t at = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      BOOST_TEST_REQUIRE(parts[i].number == i + 1);
      BOOST_TEST_REQUIRE(parts[i].offset == at);
      BOOST_TEST_REQUIRE((parts[i].size == parts[0].size || i + 1 == parts.size()));
      BOOST_TEST_REQUIRE(parts[i].size > 0);
      at += parts[i].size;
    }
    BOOST_TEST_REQUIRE(at == size);
  }
}

namespace {

std::string some_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 251);
  return bytes;
}

}  // namespace

BOOST_AUTO_TEST_CASE(up_and_down_again) {
  const TempDir dir;
  for (const std::size_t size : {0U, 1U, 10U, 11U, 105U}) {
    MemoryStore store;
    const std::string bytes = some_bytes(size);
    BOOST_TEST_REQUIRE(system_files().write_file(dir.path() + "/a", bytes).ok());
    BOOST_TEST_REQUIRE(upload_file(store, dir.path() + "/a", "k", 10).ok());
    BOOST_TEST_REQUIRE(store.objects["k"].bytes == bytes);
    BOOST_TEST_REQUIRE(store.uploads.empty());
    BOOST_TEST_REQUIRE(download_file(store, "k", size, dir.path() + "/b", 10).ok());
    BOOST_TEST_REQUIRE(*system_files().read_file(dir.path() + "/b") == bytes);
  }
}

// The object is what it was, or what it is to be; no upload is left where the storage answers again.
BOOST_AUTO_TEST_CASE(every_request_of_an_upload_goes_wrong) {
  const TempDir dir;
  const std::string bytes = some_bytes(45);
  BOOST_TEST_REQUIRE(system_files().write_file(dir.path() + "/a", bytes).ok());
  for (const Mishap mishap : {Mishap::kLostRequest, Mishap::kLostAnswer}) {
    for (std::size_t number = 1; number <= 7; ++number) {
      MemoryStore store;
      store.objects["k"] = {"before", "e"};
      store.go_wrong(number, mishap);
      const Status done = upload_file(store, dir.path() + "/a", "k", 10);
      BOOST_TEST_REQUIRE(!done.ok());
      const std::string& now = store.objects["k"].bytes;
      BOOST_TEST_REQUIRE((now == "before" || now == bytes));
      BOOST_TEST_REQUIRE((number == 1 || store.uploads.empty()));
      store.go_wrong(0, Mishap::kNone);
      BOOST_TEST_REQUIRE(upload_file(store, dir.path() + "/a", "k", 10).ok());
      BOOST_TEST_REQUIRE(store.objects["k"].bytes == bytes);
      BOOST_TEST_REQUIRE(abort_uploads(store, "").ok());
      BOOST_TEST_REQUIRE(store.uploads.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(an_object_that_is_too_short_is_found_out) {
  const TempDir dir;
  MemoryStore store;
  store.objects["k"] = {"123", "e"};
  BOOST_TEST((download_file(store, "k", 4, dir.path() + "/b", 10).code() == Code::kCorrupt));
  BOOST_TEST((download_file(store, "none", 4, dir.path() + "/b", 10).code() == Code::kNotFound));
}

BOOST_AUTO_TEST_SUITE_END()
