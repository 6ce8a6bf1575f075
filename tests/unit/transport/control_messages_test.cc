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

BOOST_AUTO_TEST_CASE(who_is_told_of_other_channels_hears_their_attempts) {
  Rewiring rewiring;
  rewiring.inputs = {{"in", "{}", {{7, "a.0", 3}, {8, "a.1"}}}};
  rewiring.outputs = {{"out", "{}", {{"b", "hash", {"k"}, "{}", "", {{9, "b.0", 3}}}}}};
  const auto read = rewiring_from_json(to_json(rewiring));
  BOOST_TEST_REQUIRE(read.ok());
  BOOST_TEST(read->inputs.at(0).channels.at(0).attempt == 3u);
  BOOST_TEST(read->inputs.at(0).channels.at(1).attempt == 0u);
  BOOST_TEST(read->outputs.at(0).edges.at(0).channels.at(0).id == 9u);
  BOOST_TEST(!rewiring_from_json(to_json(Note{"connect", 0, "", {}})).ok());
}

// Whoever was written before there was `can` says nothing of it.
BOOST_AUTO_TEST_CASE(what_an_old_instance_can_is_nothing) {
  BOOST_TEST(note_from_json(R"({"type":"hello","protocol":1,"epoch":7,"text":"tally"})")->can.empty());
  Note hold{"hold", 4, std::string(kHoldAll), {}};
  hold.channels = {1, 2};
  const auto read = note_from_json(to_json(hold));
  BOOST_TEST((read->channels == std::vector<std::uint32_t>{1, 2} && read->epoch == 4));
}

BOOST_AUTO_TEST_SUITE_END()
