#include "storage/s3/xml.h"

#include <boost/test/unit_test.hpp>

using namespace stream;

BOOST_AUTO_TEST_SUITE(xml)

BOOST_AUTO_TEST_CASE(a_list_of_objects) {
  const auto page = list_page(
      R"(<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><KeyCount>2</KeyCount>)"
      R"(<IsTruncated>true</IsTruncated><NextContinuationToken>t&amp;1</NextContinuationToken>)"
      R"(<Contents><Key>a/&lt;b&gt;&#x20;&#228;</Key><Size>12</Size><ETag>&quot;e&quot;</ETag></Contents>)"
      R"(<Contents><Key>c</Key><Size>0</Size><ETag/></Contents></ListBucketResult>)");
  BOOST_TEST_REQUIRE(page.ok());
  BOOST_TEST_REQUIRE(page->objects.size() == 2);
  BOOST_TEST(page->objects[0].key == "a/<b> ä");
  BOOST_TEST(page->objects[0].size == 12);
  BOOST_TEST(page->objects[0].etag == "\"e\"");
  BOOST_TEST(page->objects[1].etag.empty());
  BOOST_TEST(page->next == "t&1");
}

BOOST_AUTO_TEST_CASE(no_objects) {
  const auto page = list_page("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>");
  BOOST_TEST_REQUIRE(page.ok());
  BOOST_TEST(page->objects.empty());
  BOOST_TEST(page->next.empty());
}

BOOST_AUTO_TEST_CASE(what_is_none_is_an_error) {
  for (const char* text : {"", "<", "<html>hello</html>", "<ListBucketResult>",
                           "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
                           "<ListBucketResult><Contents><Size>-1</Size></Contents></ListBucketResult>"}) {
    BOOST_TEST(!list_page(text).ok(), text);
  }
}

BOOST_AUTO_TEST_CASE(uploads) {
  const UploadPage page = upload_page(
      "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker>"
      "<NextUploadIdMarker>i</NextUploadIdMarker><Upload><Key>k</Key><UploadId>1</UploadId></Upload>"
      "<Upload><Key>l</Key><UploadId>2</UploadId></Upload></ListMultipartUploadsResult>");
  BOOST_TEST_REQUIRE(page.uploads.size() == 2);
  BOOST_TEST(page.uploads[1].id == "2");
  BOOST_TEST(page.truncated);
  BOOST_TEST(page.next_key == "k");
  BOOST_TEST(page.next_id == "i");
}

BOOST_AUTO_TEST_CASE(what_is_sent) {
  BOOST_TEST(complete_document({{1, "\"a&b\""}}) ==
             "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>&quot;a&amp;b&quot;</ETag></Part>"
             "</CompleteMultipartUpload>");
}

BOOST_AUTO_TEST_SUITE_END()
