#include "transport/control_messages.h"

#include <boost/test/unit_test.hpp>

using namespace stream;

BOOST_AUTO_TEST_SUITE(control_messages)

BOOST_AUTO_TEST_CASE(what_is_no_message_is_an_error) {
  const std::string note = to_json(Note{"tap", 0, "text", {}});
  BOOST_TEST(note_from_json(note).ok());
  for (const char* text : {"", "[]", "{}", R"({"type":"tap"})", R"({"type":"tap","protocol":"1"})",
                           R"({"type":"tap","protocol":{}})", R"({"type":"tap","protocol":[1],"text":""})"}) {
    BOOST_TEST((note_from_json(text).status().code() == Code::kCorrupt), text);
  }
  std::string wrong = note;
  wrong.replace(wrong.find("\"text\""), 6, "\"Text\":0,\"epoch\":\"x\",\"text\"");
  BOOST_TEST((note_from_json(wrong).status().code() == Code::kCorrupt), wrong);
}

BOOST_AUTO_TEST_SUITE_END()
