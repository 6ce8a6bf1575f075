#include "storage/credentials.h"

#include <boost/test/unit_test.hpp>
#include <map>

#include "tests/support/temp_dir.h"

using namespace stream;

BOOST_AUTO_TEST_SUITE(credentials)

namespace {

constexpr std::string_view kFile = R"(# of mine
[default]
aws_access_key_id = AKIA1
aws_secret_access_key=abc/+=
region = eu-north-1

[other]
aws_access_key_id=AKIA2
aws_secret_access_key = def
aws_session_token = token
)";

Result<Credentials> found(const std::string& url, const std::map<std::string, std::string>& set) {
  return find_credentials(system_files(), *parse_storage(url), "/", [&](const char* name) {
    const auto value = set.find(name);
    return value == set.end() ? std::string() : value->second;
  });
}

}  // namespace

BOOST_AUTO_TEST_CASE(files) {
  const auto first = credentials_of(kFile, "default");
  BOOST_TEST_REQUIRE(first.has_value());
  BOOST_TEST(first->access_key == "AKIA1");
  BOOST_TEST(first->secret_key == "abc/+=");
  BOOST_TEST(first->region == "eu-north-1");
  BOOST_TEST(credentials_of(kFile, "other")->session_token == "token");
  BOOST_TEST(!credentials_of(kFile, "none").has_value());
  BOOST_TEST(!credentials_of("", "default").has_value());
}

BOOST_AUTO_TEST_CASE(where_they_are_looked_for) {
  const TempDir dir;
  const std::string path = dir.path() + "/credentials";
  BOOST_TEST_REQUIRE(system_files().write_file(path, kFile).ok());
  const std::map<std::string, std::string> file = {{"AWS_SHARED_CREDENTIALS_FILE", path}};
  BOOST_TEST(found("s3://b", file)->access_key == "AKIA1");
  BOOST_TEST(found("s3://b", file)->region == "eu-north-1");
  BOOST_TEST(found("s3://b?profile=other", file)->access_key == "AKIA2");
  BOOST_TEST(found("s3://b?profile=other", file)->region == "us-east-1");
  auto both = file;
  both["AWS_ACCESS_KEY_ID"] = "ENV";
  both["AWS_SECRET_ACCESS_KEY"] = "s";
  both["AWS_REGION"] = "r";
  BOOST_TEST(found("s3://b", both)->access_key == "ENV");
  BOOST_TEST(found("s3://b", both)->region == "r");
  BOOST_TEST(found("s3://b?region=given", both)->region == "given");
  BOOST_TEST(found("s3://b?profile=other", both)->access_key == "AKIA2");
  const auto named = found("s3://b?access-key=file:" + path + "&secret-key=file:" + path, both);
  BOOST_TEST_REQUIRE(named.ok());
  BOOST_TEST(named->access_key.starts_with("# of mine"));
}

BOOST_AUTO_TEST_CASE(none_is_an_error_that_says_where) {
  const auto none = found("s3://b/p", {{"HOME", "/nowhere"}});
  BOOST_TEST_REQUIRE(!none.ok());
  BOOST_TEST(none.status().what().find("/nowhere/.aws/credentials") != std::string::npos);
  const auto half = found("s3://b", {{"AWS_ACCESS_KEY_ID", "TOP"}});
  BOOST_TEST_REQUIRE(!half.ok());
  BOOST_TEST(half.status().what().find("TOP") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
