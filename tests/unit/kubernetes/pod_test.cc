// Pods of hosts: what is made of the template, and the connection to whoever is in them.
#include <boost/test/unit_test.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "supervisor/kubernetes/api/trouble.h"
#include "supervisor/kubernetes/pod/key.h"
#include "supervisor/kubernetes/pod/pod_object.h"
#include "supervisor/kubernetes/pod/tls_link.h"

namespace stream::kubernetes {
namespace {

using nlohmann::json;

constexpr Microseconds kPatience = 10'000'000;

PodWish wish() {
  return {.job = "counts", .host = "a", .program = "/x/stream-pod", .owner = "stream-counts-1", .owner_uid = "u1"};
}

json simple() {
  return json::parse(R"({"spec": {"containers": [{"image": "i", "env": [{"name": "A", "value": "b"}]}]}})");
}

struct Pair {
  Pair() {
    std::signal(SIGPIPE, SIG_IGN);  // as stream-pod does
    BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  }
  int ends[2];
};

BOOST_AUTO_TEST_SUITE(pods)

BOOST_AUTO_TEST_CASE(a_pod_is_the_template_with_its_name_its_owner_and_its_key) {
  PodWish wanted = wish();
  wanted.cpus = 0.25;
  wanted.memory_bytes = 1 << 30;
  const auto made = pod_object(simple(), wanted);
  BOOST_REQUIRE(made.ok());
  BOOST_TEST((*made)["metadata"]["name"] == "stream-counts-a");
  BOOST_TEST((*made)["metadata"]["ownerReferences"][0]["uid"] == "u1");
  const json& container = (*made)["spec"]["containers"][0];
  BOOST_TEST(container["command"] == json::parse(R"(["/x/stream-pod", "join"])"));
  BOOST_TEST(container["env"][0]["name"] == "A");
  BOOST_TEST(container["env"][1]["valueFrom"]["secretKeyRef"]["name"] == "stream-counts-a");
  BOOST_TEST(container["resources"]["requests"]["cpu"] == "250m");
  BOOST_TEST(container["resources"]["limits"]["memory"] == "1073741824");
  BOOST_TEST(!(*pod_object(simple(), wish()))["spec"]["containers"][0]["resources"].contains("requests"));
  BOOST_TEST((pod_object(json(), wish()).status().code() == Code::kUsage));
}

BOOST_AUTO_TEST_CASE(why_a_pod_does_not_run_is_what_its_status_says) {
  BOOST_TEST(trouble_of(json::object()) == "");
  BOOST_TEST(trouble_of(json::parse(R"({"status": {"conditions": [{"type": "PodScheduled", "status": "False",
      "reason": "Unschedulable", "message": "0/3 nodes"}]}})")) == "Unschedulable: 0/3 nodes");
  BOOST_TEST(trouble_of(json::parse(R"({"status": {"containerStatuses": [{"state": {"waiting": {"reason":
      "ErrImagePull", "message": "no such image"}}}]}})")) == "ErrImagePull: no such image");
  BOOST_TEST(trouble_of(json::parse(R"({"status": {"containerStatuses": [{"state": {"waiting": {"reason":
      "ContainerCreating"}}}]}})")) == "");
  BOOST_TEST(trouble_of(json::parse(R"({"status": {"phase": "Failed", "message": "Evicted"}})")) == "Failed: Evicted");
}

BOOST_AUTO_TEST_CASE(keys_are_texts_of_their_bytes) {
  const auto key = make_key();
  BOOST_REQUIRE(key.ok());
  BOOST_TEST(key->size() == 32u);
  BOOST_TEST(*key_of(key_text(*key)) == *key);
  BOOST_TEST(*make_key() != *key);
  for (const std::string& wrong : {std::string(), std::string(63, 'a'), std::string(64, 'g'), std::string(66, 'a')})
    BOOST_TEST((key_of(wrong).status().code() == Code::kUsage), wrong);
}

// What a relay carries from a socket to this end of the connection, and the other way.
BOOST_AUTO_TEST_CASE(what_is_said_arrives_on_both_sides_to_the_end) {
  const std::string key = *make_key(), said(3'000'000, 'x');
  const Pair net, here;
  std::thread far([&] {
    TlsLink link = *TlsLink::connect(net.ends[1], key, kPatience);
    relay(link, here.ends[1], here.ends[1]);
    ::close(here.ends[1]);
  });
  TlsLink link = *TlsLink::accept(net.ends[0], key, kPatience);
  std::string rest = said, heard;
  std::thread reader([&] {  // gives back what it gets, in other words
    std::string got(said.size(), ' ');
    for (std::size_t at = 0; at < got.size();) {
      const ssize_t n = ::read(here.ends[0], got.data() + at, got.size() - at);
      BOOST_REQUIRE(n > 0);
      at += static_cast<std::size_t>(n);
    }
    BOOST_REQUIRE(::write(here.ends[0], "thanks", 6) == 6);
    BOOST_TEST((got == said));
  });
  while (heard.size() < 6) {
    BOOST_REQUIRE(link.write(rest));
    BOOST_REQUIRE(link.read(heard));
  }
  BOOST_TEST(heard == "thanks");
  reader.join();
  ::close(here.ends[0]);  // it ends there, and so here
  far.join();
  while (link.read(heard)) std::this_thread::yield();
}

BOOST_AUTO_TEST_CASE(who_has_another_key_or_speaks_otherwise_gets_nowhere) {
  const std::string key = *make_key(), other = *make_key();
  const Pair net;
  std::thread far([&] { BOOST_TEST(!TlsLink::connect(net.ends[1], other, kPatience).ok()); });
  const auto link = TlsLink::accept(net.ends[0], key, kPatience);
  BOOST_TEST((link.status().code() == Code::kPeerGone));
  far.join();
  const Pair garbage, silence;
  BOOST_REQUIRE(::write(garbage.ends[1], "GET / HTTP/1.1\r\n\r\n", 18) == 18);
  BOOST_TEST(!TlsLink::accept(garbage.ends[0], key, kPatience).ok());
  BOOST_TEST(!TlsLink::accept(silence.ends[0], key, 50'000).ok());
  ::close(garbage.ends[1]);
  ::close(silence.ends[1]);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace stream::kubernetes
