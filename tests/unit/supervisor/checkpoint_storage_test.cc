// Checkpoints in storage in memory: what counts there counts here, under every mishap and with two supervisors.
#include "supervisor/checkpoint_storage.h"

#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "snapshot/digest.h"
#include "tests/support/memory_store.h"
#include "tests/support/temp_dir.h"

using namespace stream;

BOOST_AUTO_TEST_SUITE(checkpoint_storage)

namespace {

// A supervisor on a host of its own, with an instance's part of the work.
struct Host {
  Host(MemoryStore& shared, std::string name)
      : store(shared),
        paths{"job", dir / "job"},
        storage(paths, *parse_storage("s3://b/jobs/job?patience=0s"), std::make_unique<LentStore>(shared),
                std::move(name)) {
    std::filesystem::create_directories(paths.checkpoints());
  }

  Status publish(std::uint64_t epoch, const std::string& text) {
    const std::string name = std::to_string(epoch) + "/totals.0.a1.sqlite";
    const std::string path = paths.checkpoints() + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    STREAM_TRY(system_files().write_file(path, text));
    const auto put = store.put("jobs/job/" + name, text, {});
    if (!put.ok()) return put.status();
    CheckpointIndex index;
    index.epoch = Epoch(epoch);
    index.job = "job";
    index.run = std::string(32, '1');
    index.attempt = Attempt(1);
    index.stages = {{"totals", 1}};
    STREAM_ASSIGN(const FileDigest digest, digest_file(path));
    index.instances = {{"totals", 0, {{name, digest.size_bytes, digest.sha256, true}}, {}}};
    STREAM_TRY(publish_checkpoint(system_files(), paths.checkpoints(), index));
    return storage.publish(Epoch(epoch));
  }

  std::vector<Epoch> here() const { return *list_checkpoints(system_files(), paths.checkpoints()); }

  TempDir dir;
  MemoryStore& store;
  JobPaths paths;
  CheckpointStorage storage;
};

bool good(const Host& host, std::uint64_t epoch) {
  const auto found = find_newest_good(system_files(), host.paths.checkpoints());
  return found.ok() && found->index && found->index->epoch == Epoch(epoch) && found->damaged.empty();
}

}  // namespace

BOOST_AUTO_TEST_CASE(another_host_gets_what_counts) {
  MemoryStore store;
  Host first(store, "first");
  BOOST_TEST_REQUIRE(first.storage.take("--ha x").ok());
  for (std::uint64_t epoch = 1; epoch <= 4; ++epoch)
    BOOST_TEST_REQUIRE(first.publish(epoch, std::string(epoch, 'x')).ok());
  BOOST_TEST_REQUIRE(first.storage.retire({{}, {Epoch(1)}, {"1/totals.0.a1.sqlite"}, {}}).ok());
  Host second(store, "second");
  BOOST_TEST_REQUIRE(second.storage.take("--ha x").ok());
  BOOST_TEST_REQUIRE(second.storage.fetch().ok());
  BOOST_TEST((second.here() == std::vector{Epoch(2), Epoch(3), Epoch(4)}));
  BOOST_TEST(good(second, 4));
  // What is there is not asked for again, but the list.
  store.go_wrong(0, Mishap::kNone);
  BOOST_TEST_REQUIRE(second.storage.fetch().ok());
  BOOST_TEST(store.requests() == 0);
  BOOST_TEST(store.objects.count("jobs/job/1/totals.0.a1.sqlite") == 0);
}

// Files of instances on other hosts are brought before a checkpoint counts; whatever goes wrong meanwhile, either all
// are there or it is told.
BOOST_AUTO_TEST_CASE(what_others_have_written_is_mirrored) {
  for (const Mishap mishap : {Mishap::kNone, Mishap::kLostRequest}) {
    for (int nth = 1; nth <= (mishap == Mishap::kNone ? 1 : 3); ++nth) {
      MemoryStore store;
      Host far(store, "far");
      BOOST_TEST_REQUIRE(far.storage.take("--ha x").ok());
      BOOST_TEST_REQUIRE(far.publish(1, "one").ok());
      BOOST_TEST_REQUIRE(far.publish(2, "two").ok());
      const CheckpointIndex index = *load_index(index_path(far.paths.checkpoints(), Epoch(2)));
      Host here(store, "here");
      store.go_wrong(nth, mishap);
      const Status mirrored = here.storage.mirror(index);
      const auto text = system_files().read_file(here.paths.checkpoints() + "/2/totals.0.a1.sqlite");
      BOOST_TEST(mirrored.ok() == text.ok());
      if (text.ok()) BOOST_TEST(*text == "two");
      if (mishap == Mishap::kNone) BOOST_TEST_REQUIRE(mirrored.ok());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_savepoint_is_lent_and_cleared_away_by_who_begins_next) {
  MemoryStore store;
  Host first(store, "first");
  BOOST_TEST_REQUIRE(first.storage.take("--ha x").ok());
  BOOST_TEST_REQUIRE(first.publish(1, "one").ok());
  const CheckpointIndex index = *load_index(index_path(first.paths.checkpoints(), Epoch(1)));
  BOOST_TEST_REQUIRE(first.storage.lend(index, first.paths.checkpoints()).ok());
  BOOST_TEST(store.objects["jobs/job/from/1/totals.0.a1.sqlite"].bytes == "one");
  const auto garbage = first.storage.garbage();
  BOOST_TEST_REQUIRE(garbage.ok());
  BOOST_TEST((*garbage == std::vector<std::string>{"jobs/job/from/1/totals.0.a1.sqlite"}));
}

BOOST_AUTO_TEST_CASE(it_is_refused_to_another_owner) {
  MemoryStore store;
  Host first(store, "first");
  Host second(store, "second");
  BOOST_TEST_REQUIRE(first.storage.take("here /a").ok());
  const Status taken = second.storage.take("there /b");
  BOOST_TEST((taken.code() == Code::kFailed));
  BOOST_TEST(taken.what().find("here /a") != std::string::npos);
  BOOST_TEST(first.publish(1, "x").ok());
}

// The one before is about to publish a checkpoint of the same number: whatever it still does, what counts is whole.
BOOST_AUTO_TEST_CASE(who_was_deposed_harms_nothing) {
  MemoryStore store;
  Host first(store, "first");
  Host second(store, "second");
  BOOST_TEST_REQUIRE(first.storage.take("--ha x").ok());
  BOOST_TEST_REQUIRE(first.publish(1, "one").ok());
  BOOST_TEST_REQUIRE(second.storage.take("--ha x").ok());
  BOOST_TEST_REQUIRE(second.storage.fetch().ok());
  BOOST_TEST((first.publish(2, "of the first").code() == Code::kInterrupted));
  BOOST_TEST_REQUIRE(second.publish(2, "of the second").ok());
  const std::string second_index = store.objects["jobs/job/2/checkpoint.sqlite"].bytes;
  store.objects["jobs/job/3/checkpoint.sqlite"] = {"left by the first", "e"};
  BOOST_TEST_REQUIRE(second.publish(3, "three").ok());
  const std::string index = store.objects["jobs/job/3/checkpoint.sqlite"].bytes;
  BOOST_TEST((first.storage.publish(Epoch(2)).code() == Code::kInterrupted));
  (void)first.publish(3, "three");
  BOOST_TEST((store.objects["jobs/job/3/checkpoint.sqlite"].bytes == index));
  BOOST_TEST((store.objects["jobs/job/2/checkpoint.sqlite"].bytes == second_index));
  BOOST_TEST((first.storage.retire({{}, {Epoch(3)}, {}, {}}).code() == Code::kInterrupted));
  Host third(store, "third");
  BOOST_TEST_REQUIRE(third.storage.take("--ha x").ok());
  BOOST_TEST_REQUIRE(third.storage.fetch().ok());
  BOOST_TEST(good(third, 3));
}

// What was said to count does; what was not is settled the same here and for whoever comes next.
BOOST_AUTO_TEST_CASE(every_request_goes_wrong) {
  for (const Mishap mishap : {Mishap::kLostRequest, Mishap::kLostAnswer, Mishap::kLate}) {
    for (std::size_t number = 1; number < 20; ++number) {
      MemoryStore store;
      Host host(store, "me");
      BOOST_TEST_REQUIRE(host.storage.take("--ha x").ok());
      store.go_wrong(number, mishap);
      std::vector<std::uint64_t> said;
      for (std::uint64_t epoch = 1; epoch <= 4; ++epoch) {
        if (host.publish(epoch, std::string(epoch, 'x')).ok()) said.push_back(epoch);
        Status settled = host.storage.settle();
        if (!settled.ok()) settled = host.storage.settle();
        BOOST_TEST_REQUIRE(settled.ok());
      }
      store.go_wrong(0, Mishap::kNone);
      store.arrive();
      Host next(store, "next");
      BOOST_TEST_REQUIRE(next.storage.take("--ha x").ok());
      BOOST_TEST_REQUIRE(next.storage.fetch().ok());
      const std::vector<Epoch> here = next.here();
      BOOST_TEST_REQUIRE((here == host.here()));
      for (const std::uint64_t epoch : said) BOOST_TEST_REQUIRE((std::ranges::find(here, Epoch(epoch)) != here.end()));
      BOOST_TEST_REQUIRE(said.size() >= 3);
      BOOST_TEST_REQUIRE(good(next, here.back().value()));
    }
  }
}

// Whatever became of a request without an answer: what is said to count stays so, and what is said not to never does.
BOOST_AUTO_TEST_CASE(what_was_not_answered_is_found_out_for_good) {
  for (const Mishap mishap : {Mishap::kLostRequest, Mishap::kLostAnswer, Mishap::kLate}) {
    for (std::size_t number = 1; number <= 3; ++number) {
      MemoryStore store;
      Host host(store, "first");
      BOOST_TEST_REQUIRE(host.storage.take("--ha x").ok());
      BOOST_TEST_REQUIRE(host.publish(1, "x").ok());
      store.go_wrong(number, mishap, 3);
      const Status published = host.publish(2, "xx");
      store.go_wrong(0, Mishap::kNone);
      BOOST_TEST(!published.ok());
      const auto newest = host.storage.newest_of({Epoch(2)});
      BOOST_TEST_REQUIRE(newest.ok());
      BOOST_TEST(newest->has_value() == (mishap == Mishap::kLostAnswer && number == 3));
      store.arrive();
      Host next(store, "next");
      BOOST_TEST_REQUIRE(next.storage.take("--ha x").ok());
      BOOST_TEST_REQUIRE(next.storage.fetch().ok());
      BOOST_TEST((next.here().back() == Epoch(2)) == newest->has_value());
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_missing_or_damaged_there_is_missing_here) {
  MemoryStore store;
  Host first(store, "first");
  BOOST_TEST_REQUIRE(first.storage.take("--ha x").ok());
  for (std::uint64_t epoch = 1; epoch <= 2; ++epoch)
    BOOST_TEST_REQUIRE(first.publish(epoch, std::string(epoch, 'x')).ok());
  store.objects.erase("jobs/job/2/totals.0.a1.sqlite");
  Host second(store, "second");
  BOOST_TEST_REQUIRE(second.storage.take("--ha x").ok());
  BOOST_TEST_REQUIRE(second.storage.fetch().ok());
  const auto found = find_newest_good(system_files(), second.paths.checkpoints());
  BOOST_TEST_REQUIRE(found.ok());
  BOOST_TEST((found->index && found->index->epoch == Epoch(1)));
  BOOST_TEST(found->damaged.size() == 1U);
}

// What is not what it should be is not taken for it.
BOOST_AUTO_TEST_CASE(an_index_that_was_replaced_is_not_believed) {
  MemoryStore store;
  Host first(store, "first");
  BOOST_TEST_REQUIRE(first.storage.take("--ha x").ok());
  BOOST_TEST_REQUIRE(first.publish(1, "one").ok());
  BOOST_TEST_REQUIRE(first.publish(2, "two").ok());
  std::string& bytes = store.objects["jobs/job/2/checkpoint.sqlite"].bytes;
  bytes.back() = static_cast<char>(bytes.back() + 1);
  Host second(store, "second");
  BOOST_TEST_REQUIRE(second.storage.take("--ha x").ok());
  BOOST_TEST_REQUIRE(second.storage.fetch().ok());
  BOOST_TEST((second.here() == std::vector{Epoch(1)}));
}

BOOST_AUTO_TEST_SUITE_END()
