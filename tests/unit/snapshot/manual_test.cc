#include <boost/test/unit_test.hpp>

#include "snapshot/checkpoint.h"
#include "snapshot/packed_file.h"
#include "snapshot/savepoint_file.h"
#include "transport/base/files.h"

using namespace stream;

BOOST_AUTO_TEST_SUITE(manual)

BOOST_AUTO_TEST_CASE(the_manual_shows_the_ddl_that_is_executed) {
  const Result<std::string> page = system_files().read_file(STREAM_SOURCE_DIR "/man/stream-snapshot.5");
  BOOST_REQUIRE(page.ok());
  for (const std::string_view ddl : {kSnapshotDdl, kCheckpointDdl, kSavepointDdl}) {
    BOOST_TEST(page->find(ddl) != std::string::npos, ddl.substr(0, 80));
  }
}

BOOST_AUTO_TEST_CASE(every_file_carries_the_format_version_of_the_code) {
  const std::string pragma = "PRAGMA user_version = " + std::to_string(kSnapshotVersion) + ";";
  for (const std::string_view ddl : {kSnapshotDdl, kCheckpointDdl, kSavepointDdl}) {
    BOOST_TEST(ddl.starts_with(pragma));
  }
}

BOOST_AUTO_TEST_SUITE_END()
