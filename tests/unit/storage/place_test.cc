#include "storage/place.h"

#include <boost/test/unit_test.hpp>

using namespace stream;

BOOST_AUTO_TEST_SUITE(place)

namespace {

StoragePlace good(const std::string& url) {
  auto place = parse_storage(url);
  BOOST_TEST_REQUIRE(place.ok(), url << ": " << place.status().what());
  return *place;
}

std::string wrong(const std::string& url) {
  const auto place = parse_storage(url);
  BOOST_TEST_REQUIRE(!place.ok(), url);
  BOOST_TEST_REQUIRE((place.status().code() == Code::kUsage));
  return place.status().what();
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_CASE(urls) {
  const StoragePlace bare = good("s3://bucket");
  BOOST_TEST(bare.bucket == "bucket");
  BOOST_TEST(bare.prefix.empty());
  BOOST_TEST(bare.key("a/b") == "a/b");
  BOOST_TEST(bare.below("job") == "s3://bucket/job");
  const StoragePlace place =
      good("s3://my-bucket.x/a/b//?endpoint=http://host:9000/&region=eu-west-1&style=host&patience=5s&part-size=16MiB");
  BOOST_TEST(place.prefix == "a/b");
  BOOST_TEST(place.endpoint == "http://host:9000");
  BOOST_TEST(place.region == "eu-west-1");
  BOOST_TEST(!place.bucket_in_path);
  BOOST_TEST(place.patience == 5'000'000);
  BOOST_TEST(place.part_bytes == 16U << 20);
  BOOST_TEST(place.key("") == "a/b");
  BOOST_TEST(place.key("c") == "a/b/c");
  BOOST_TEST(place.text() == "s3://my-bucket.x/a/b");
  BOOST_TEST(good(place.below("c")).key("d") == "a/b/c/d");
  BOOST_TEST(good("s3://b/p?endpoint=http%3A%2F%2Fhost%3A1").endpoint == "http://host:1");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_said) {
  BOOST_TEST(says(wrong("http://x"), "does not begin with s3://"));
  BOOST_TEST(says(wrong("s3://"), "no bucket"));
  BOOST_TEST(says(wrong("s3://Bucket"), "lower case"));
  BOOST_TEST(says(wrong("s3://b//a"), "too many"));
  BOOST_TEST(says(wrong("s3://b/a/../c"), "'..' has no meaning"));
  BOOST_TEST(says(wrong("s3://b?endpoint=host:9000"), "begins with http"));
  BOOST_TEST(says(wrong("s3://b?endpiont=http://x"), "did you mean 'endpoint'?"));
  BOOST_TEST(says(wrong("s3://b?region"), "has no value"));
  BOOST_TEST(says(wrong("s3://b?part-size=1MiB"), "5MiB to 512MiB"));
  BOOST_TEST(says(wrong("s3://b?style=odd"), "style is path"));
  BOOST_TEST(says(wrong("s3://b?region=%4"), "hexadecimal"));
  BOOST_TEST(says(wrong("s3://b?access-key=env:A"), "go together"));
}

BOOST_AUTO_TEST_CASE(a_key_in_clear_is_refused_and_not_repeated) {
  const std::string said = wrong("s3://b?access-key=env:A&secret-key=TOPSECRET");
  BOOST_TEST(says(said, "not the key"));
  BOOST_TEST(!says(said, "TOPSECRET"));
}

BOOST_AUTO_TEST_CASE(paths) {
  BOOST_TEST(*plain_path("/a b") == "/a b");
  BOOST_TEST(*plain_path("file:///a%20b") == "/a b");
  BOOST_TEST(!plain_path("file://host/a").ok());
  BOOST_TEST(located("/in", "a") == "/in/a");
  BOOST_TEST(located("/in", "/a") == "/a");
  BOOST_TEST(located("/in", "file:///etc/passwd") == "/etc/passwd");
  BOOST_TEST(located("/in", "s3://b/a") == "s3://b/a");
}

BOOST_AUTO_TEST_CASE(encoded_and_back) {
  BOOST_TEST(url_encoded("a/b c+ä~", true) == "a/b%20c%2B%C3%A4~");
  BOOST_TEST(url_encoded("a/b", false) == "a%2Fb");
  std::string all;
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  BOOST_TEST(*url_decoded(url_encoded(all, false)) == all);
  BOOST_TEST(*url_decoded(url_encoded(all, true)) == all);
}

BOOST_AUTO_TEST_SUITE_END()
