#include "stages/read-mqtt/mailbox.h"

#include <boost/test/unit_test.hpp>

#include "stages/read-mqtt/letter.h"

namespace stream::mqtt {
namespace {

BOOST_AUTO_TEST_SUITE(read_mqtt)

Letter message(std::uint16_t packet) {
  Letter out;
  out.qos = 2;
  out.packet = packet;
  out.topic = "a/b";
  out.payload = "x";
  return out;
}

// What is in it: the id of a message, or that of a release as a negative number.
std::vector<int> taken(Mailbox& mailbox) {
  std::vector<int> out;
  while (*mailbox.read(1 << 20, [&](std::string_view record) {
    const auto letter = opened(record);
    out.push_back(letter->release ? -letter->packet : letter->packet);
    return Status();
  })) {}
  return out;
}

BOOST_AUTO_TEST_CASE(letters_come_out_as_they_went_in) {
  Letter letter = message(513);
  letter.retained = true;
  letter.received = 77;
  const std::string record = sealed(letter);
  const auto found = opened(record);
  BOOST_REQUIRE(found.ok());
  BOOST_TEST(found->packet == 513);
  BOOST_TEST(found->topic == "a/b");
  BOOST_TEST(found->payload == "x");
  BOOST_TEST((found->retained && found->qos == 2 && found->received == 77 && !found->release));
  BOOST_TEST(!opened(std::string_view(record).substr(0, 9)).ok());
  BOOST_TEST(!opened(std::string_view(record).substr(0, 17)).ok());
}

BOOST_AUTO_TEST_CASE(packets_are_taken_apart) {
  const auto found = published(0x3d, std::string_view("\0\x03"
                                                      "a/b\x02\x01hello",
                                                      12));
  BOOST_REQUIRE(found.ok());
  BOOST_TEST(found->topic == "a/b");
  BOOST_TEST(found->packet == 513);
  BOOST_TEST(found->payload == "hello");
  BOOST_TEST((found->qos == 2 && found->retained));
  for (const std::size_t size : {0, 1, 2, 5, 6}) {
    BOOST_TEST(!published(0x34, std::string_view("\0\x03"
                                                 "a/b\x02\x01",
                                                 7)
                                    .substr(0, size))
                    .ok(),
               size);
  }
}

BOOST_AUTO_TEST_CASE(what_is_sent_again_while_its_id_is_held_is_dropped) {
  Mailbox mailbox("", system_clock(), {});
  mailbox.hold({{7, mark_of(message(7))}});
  mailbox.take_held(message(7));
  BOOST_TEST(taken(mailbox) == std::vector<int>{}, boost::test_tools::per_element());
  mailbox.release(7);
  BOOST_TEST(taken(mailbox) == std::vector<int>{-7}, boost::test_tools::per_element());
  mailbox.release(7);
  mailbox.take_held(message(7));
  BOOST_TEST(taken(mailbox) == std::vector<int>{7}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_a_broker_sends_first_under_a_held_id_is_another_message) {
  Mailbox mailbox("", system_clock(), {});
  Letter other = message(7);
  other.payload = "y";
  mailbox.hold({{7, mark_of(message(7))}});
  mailbox.take_held(other);
  BOOST_TEST(taken(mailbox) == std::vector<int>{7}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace stream::mqtt
