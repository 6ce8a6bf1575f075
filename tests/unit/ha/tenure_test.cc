// What a leader may still do when its place fails, or another leads.
#include <boost/test/unit_test.hpp>

#include <poll.h>

#include <map>
#include <mutex>

#include "supervisor/ha/candidacy.h"

using namespace stream;
using namespace stream::ha;

namespace {

constexpr Microseconds kLease = 200'000;

// What all supervisors see.
struct Shared {
  std::mutex mutex;
  std::map<Register, Entry> entries;
  std::map<std::uint64_t, Pulse> pulses;
};

// One supervisor's way there.
class Way : public Coordination {
 public:
  explicit Way(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

  Result<Entry> read(Register which) override {
    const std::lock_guard lock(shared_->mutex);
    if (cut) return Status(Code::kSystem, "cut off");
    return shared_->entries[which];
  }
  Result<std::optional<std::uint64_t>> write(Register which, std::uint64_t expected, const std::string& text) override {
    const std::lock_guard lock(shared_->mutex);
    if (cut) return Status(Code::kSystem, "cut off");
    if (refuse) return failed("too long for this place");
    Entry& entry = shared_->entries[which];
    if (entry.version != expected) return std::optional<std::uint64_t>();
    entry = {expected + 1, text};
    if (lose_answer) {
      lose_answer = false;
      return Status(Code::kSystem, "no answer");
    }
    return std::optional(expected + 1);
  }
  Status beat(std::uint64_t term) override {
    const std::lock_guard lock(shared_->mutex);
    if (cut) return {Code::kSystem, "cut off"};
    ++shared_->pulses[term].beats;
    return {};
  }
  Result<Pulse> pulse(std::uint64_t term, const std::string&) override {
    const std::lock_guard lock(shared_->mutex);
    return shared_->pulses[term];
  }
  Status leave(std::uint64_t term) override {
    const std::lock_guard lock(shared_->mutex);
    shared_->pulses[term].gone = true;
    return {};
  }

  std::atomic<bool> cut = false;
  std::atomic<bool> refuse = false;
  bool lose_answer = false;

 private:
  std::shared_ptr<Shared> shared_;
};

Place here(const std::string& deployment = "") {
  Place place;
  place.deployment = deployment;
  place.lease = kLease;
  place.text = "here";
  return place;
}

Candidate called(const std::string& id) {
  Candidate candidate;
  candidate.id = id;
  return candidate;
}

struct Supervisor {
  Supervisor(const std::shared_ptr<Shared>& shared, const std::string& id, const std::string& deployment = "")
      : way(std::make_shared<Way>(shared)), candidacy(way, here(deployment), called(id)) {}

  std::unique_ptr<Tenure> lead(bool begins = true, bool fresh = false) {
    auto looked = candidacy.look(begins, fresh);
    BOOST_REQUIRE(looked.ok());
    auto* tenure = std::get_if<std::unique_ptr<Tenure>>(&*looked);
    return tenure == nullptr ? nullptr : std::move(*tenure);
  }

  std::shared_ptr<Way> way;
  Candidacy candidacy;
};

bool lost_within(const Tenure& tenure, int milliseconds) {
  pollfd lost{tenure.lost_fd(), POLLIN, 0};
  return ::poll(&lost, 1, milliseconds) == 1;
}

Term known(const std::shared_ptr<Shared>& shared) {
  const std::lock_guard lock(shared->mutex);
  return *term_of(shared->entries[Register::kTerm].text);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tenure)

BOOST_AUTO_TEST_CASE(one_leads_and_what_it_decides_is_inherited) {
  const auto shared = std::make_shared<Shared>();
  Supervisor one(shared, "one"), other(shared, "other");
  auto first = one.lead();
  BOOST_REQUIRE(first);
  BOOST_TEST(first->inherited().empty());
  BOOST_TEST(!other.lead());
  BOOST_REQUIRE(first->keep_job("what it is").ok());
  BOOST_REQUIRE(first->reserve(Epoch(65)).ok());
  BOOST_REQUIRE(first->publish("run", Epoch(7)).ok());
  first.reset();  // it leaves
  const auto second = other.lead(false);
  BOOST_REQUIRE(second);
  BOOST_TEST(second->inherited() == "what it is");
  BOOST_TEST(second->term().number == 2);
  BOOST_TEST(second->term().published == 7);
  BOOST_TEST(second->term().reserved == 65);
}

BOOST_AUTO_TEST_CASE(who_is_deposed_decides_nothing_more_and_hears_of_it) {
  const auto shared = std::make_shared<Shared>();
  Supervisor one(shared, "one"), other(shared, "other");
  const auto first = one.lead();
  BOOST_REQUIRE(first->keep_job("before").ok());
  {
    const std::lock_guard lock(shared->mutex);
    shared->pulses[1].gone = true;  // it is not
  }
  const auto second = other.lead(false);
  BOOST_REQUIRE(second);
  BOOST_TEST(!first->publish("run", Epoch(9)).ok());
  BOOST_TEST(!first->keep_job("after").ok());
  BOOST_TEST(!first->reserve(Epoch(900)).ok());
  BOOST_TEST(!first->end("FINISHED", "").ok());
  BOOST_TEST(lost_within(*first, 1000));
  BOOST_TEST(!first->lost().empty());
  BOOST_TEST(known(shared).published == 0);
  BOOST_TEST(!known(shared).ended);
  BOOST_TEST(second->lost().empty());
}

BOOST_AUTO_TEST_CASE(it_notices_by_itself) {
  const auto shared = std::make_shared<Shared>();
  Supervisor one(shared, "one"), other(shared, "other");
  const auto first = one.lead();
  {
    const std::lock_guard lock(shared->mutex);
    shared->pulses[1].gone = true;
  }
  const auto second = other.lead(false);
  BOOST_TEST(lost_within(*first, 5000));
}

BOOST_AUTO_TEST_CASE(who_is_cut_off_for_a_lease_leads_no_more) {
  const auto shared = std::make_shared<Shared>();
  Supervisor one(shared, "one");
  const auto first = one.lead();
  one.way->cut = true;
  BOOST_TEST(lost_within(*first, 5000));
  BOOST_TEST(first->lost().find("cut off") != std::string::npos);
  one.way->cut = false;
  BOOST_TEST(!first->publish("run", Epoch(1)).ok());
}

// Its thread hangs in a place that does not answer, and which answers again later.
BOOST_AUTO_TEST_CASE(what_was_lost_by_the_time_stays_lost) {
  const auto shared = std::make_shared<Shared>();
  Supervisor one(shared, "one");
  const auto first = one.lead();
  {
    const std::lock_guard hanging(shared->mutex);
    const Microseconds deadline = system_clock().monotonic_us() + 25 * kLease;
    while (first->lost().empty() && system_clock().monotonic_us() < deadline) ::poll(nullptr, 0, 1);
    BOOST_TEST(!first->lost().empty());
  }
  BOOST_TEST(!first->lost().empty());
  BOOST_TEST(!first->publish("run", Epoch(1)).ok());
}

BOOST_AUTO_TEST_CASE(an_answer_that_was_lost_is_looked_after) {
  const auto shared = std::make_shared<Shared>();
  Supervisor one(shared, "one");
  const auto first = one.lead();
  {
    const std::lock_guard lock(shared->mutex);
    one.way->lose_answer = true;
  }
  BOOST_TEST(first->publish("run", Epoch(5)).ok());
  BOOST_TEST(first->publish("run", Epoch(6)).ok());
  BOOST_TEST(known(shared).published == 6);
}

// What is left of its own term does not make it wait for itself: it lives, and its place says so.
BOOST_AUTO_TEST_CASE(who_has_lost_its_term_may_lead_again) {
  const auto shared = std::make_shared<Shared>();
  Supervisor one(shared, "one");
  auto first = one.lead();
  one.way->cut = true;
  BOOST_TEST(lost_within(*first, 5000));
  one.way->cut = false;
  first.reset();
  {
    const std::lock_guard lock(shared->mutex);
    shared->pulses[1] = {5, true, false};
  }
  BOOST_TEST(bool(one.lead(false)));
}

// A leader that has lost its term writes what is there already, and must not take it for its own.
BOOST_AUTO_TEST_CASE(the_same_text_is_not_the_same_write) {
  const auto shared = std::make_shared<Shared>();
  Supervisor one(shared, "one"), other(shared, "other");
  const auto first = one.lead();
  BOOST_REQUIRE(first->keep_job("the same").ok());
  {
    const std::lock_guard lock(shared->mutex);
    shared->pulses[1].gone = true;
  }
  const auto second = other.lead(false);
  BOOST_REQUIRE(second);
  BOOST_TEST(!first->keep_job("the same").ok());
  BOOST_TEST(second->keep_job("the same").ok());
}

BOOST_AUTO_TEST_CASE(what_is_wrong_for_good_is_not_tried_for_ever) {
  const auto shared = std::make_shared<Shared>();
  Supervisor one(shared, "one");
  const auto first = one.lead();
  one.way->refuse = true;
  BOOST_TEST(first->keep_job("too long").what() == "too long for this place");
}

BOOST_AUTO_TEST_CASE(what_has_ended_as_another_deployment_begins_anew_once) {
  const auto shared = std::make_shared<Shared>();
  BOOST_REQUIRE(Supervisor(shared, "first", "d1").lead()->end("FINISHED", "").ok());
  BOOST_TEST(!Supervisor(shared, "again", "d1").lead());
  BOOST_TEST(!Supervisor(shared, "stood by", "d2").lead(false));
  Supervisor dies(shared, "dies", "d2");
  BOOST_REQUIRE(dies.lead());  // before it has begun anything
  BOOST_TEST(dies.candidacy.anew());
  Supervisor next(shared, "next", "d2");
  const auto tenure = next.lead();
  BOOST_REQUIRE(tenure);
  BOOST_TEST(next.candidacy.anew());
  BOOST_REQUIRE(tenure->begin_run("id", "run").ok());
  BOOST_REQUIRE(tenure->end("FINISHED", "").ok());
  Supervisor late(shared, "late", "d2");
  BOOST_TEST(!late.lead());
  BOOST_TEST(!late.candidacy.anew());
}

BOOST_AUTO_TEST_CASE(what_goes_on_after_a_stop_is_led_by_one) {
  const auto shared = std::make_shared<Shared>();
  Supervisor one(shared, "one"), other(shared, "other");
  auto first = one.lead(true);
  BOOST_REQUIRE(first->end("STOPPED", "why").ok());
  first.reset();
  first = one.lead(true);
  BOOST_REQUIRE(first);
  BOOST_TEST(!first->term().ended);
  BOOST_TEST(!other.lead(true));
  BOOST_TEST(!other.lead(false));
  BOOST_TEST(first->lost() == "");
}

BOOST_AUTO_TEST_CASE(what_has_ended_is_led_again_only_by_who_begins_it) {
  const auto shared = std::make_shared<Shared>();
  Supervisor one(shared, "one"), other(shared, "other");
  for (const std::string state : {"STOPPED", "FAILED", "FINISHED", "CANCELLED"}) {
    auto first = one.lead(true, true);
    BOOST_REQUIRE(first);
    BOOST_REQUIRE(first->begin_run("id", "run").ok());
    BOOST_REQUIRE(first->end(state, "why").ok());
    first.reset();
    BOOST_TEST(!other.lead(false), state);
    auto again = other.lead(true);
    BOOST_TEST((again != nullptr) == (state == "STOPPED" || state == "FAILED"), state);
  }
}

BOOST_AUTO_TEST_SUITE_END()
