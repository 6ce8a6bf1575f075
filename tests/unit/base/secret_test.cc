#include "transport/base/secret.h"

#include <boost/test/unit_test.hpp>

#include <cstdlib>

#include "tests/support/temp_dir.h"

namespace stream {
namespace {

std::string read(const std::string& folder, std::string_view reference) {
  Result<std::string> text = read_secret(system_files(), folder, reference);
  return text.ok() ? *text : "error: " + text.status().what();
}

BOOST_AUTO_TEST_SUITE(secret)

BOOST_AUTO_TEST_CASE(comes_from_the_environment) {
  ::setenv("STREAM_TEST_SECRET", "host=x password=a:b", 1);
  ::unsetenv("STREAM_TEST_NOTHING");
  BOOST_TEST(read("/", "env:STREAM_TEST_SECRET") == "host=x password=a:b");
  BOOST_TEST(read("/", "env:STREAM_TEST_NOTHING") ==
             "error: the environment variable 'STREAM_TEST_NOTHING' is not set");
}

BOOST_AUTO_TEST_CASE(comes_from_a_file_beside_the_manifest_or_anywhere) {
  TempDir folder;
  BOOST_REQUIRE(system_files().write_file(folder.path() + "/token", "abc\n").ok());
  BOOST_REQUIRE(system_files().write_file(folder.path() + "/windows", "abc\r\n").ok());
  BOOST_REQUIRE(system_files().write_file(folder.path() + "/two", "a\n\n").ok());
  BOOST_TEST(read(folder.path(), "file:token") == "abc");
  BOOST_TEST(read("/", "file:" + folder.path() + "/windows") == "abc");
  BOOST_TEST(read(folder.path(), "file:two") == "a\n");
  BOOST_TEST(read(folder.path(), "file:absent").starts_with("error: unable to read the secret: "));
}

BOOST_AUTO_TEST_CASE(comes_from_systemd) {
  TempDir folder;
  BOOST_REQUIRE(system_files().write_file(folder.path() + "/pg", "dsn").ok());
  ::setenv("CREDENTIALS_DIRECTORY", folder.path().c_str(), 1);
  BOOST_TEST(read("/", "credential:pg") == "dsn");
  ::unsetenv("CREDENTIALS_DIRECTORY");
  BOOST_TEST(read("/", "credential:pg") ==
             "error: no credential 'pg': systemd passed none (set LoadCredential= in the unit)");
}

BOOST_AUTO_TEST_CASE(is_never_empty) {
  TempDir folder;
  BOOST_REQUIRE(system_files().write_file(folder.path() + "/none", "\n").ok());
  BOOST_TEST(read(folder.path(), "file:none") == "error: the secret file:none is empty");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace stream
