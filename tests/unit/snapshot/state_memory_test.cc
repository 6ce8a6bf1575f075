// Tables that do not fit: what is in memory stays bounded, and nothing else is different.
#include "snapshot/state_memory.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "snapshot/state_arena.h"
#include "tests/support/fast_files.h"
#include "tests/support/snapshot_fixture.h"
#include "tests/support/state_model.h"

using namespace stream;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;

// A sanitizer keeps a shadow of what is accessed and what was freed, which nothing bounds.
#if defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

[[noreturn]] void give_up(Code /*code*/, const char* what) {
  std::fprintf(stderr, "%s\n", what);
  std::_Exit(1);
}

// What the process has already is not state: so much is left for it.
class Bounded {
 public:
  explicit Bounded(std::uint64_t for_state) : memory_(resident_bytes() + for_state) {
    StateMemory::begin({"tested", dir_.path(), memory_, give_up});
  }
  Bounded(const Bounded&) = delete;
  Bounded& operator=(const Bounded&) = delete;
  ~Bounded() { StateMemory::end(); }
  std::uint64_t memory() const { return memory_; }

 private:
  TempDir dir_;
  std::uint64_t memory_;
};

TableSpec word_spec() {
  TableSpec spec;
  spec.name = "words";
  spec.key = {{"word", Type{TypeKind::kVarchar}}};
  spec.value = {{"n", Type{TypeKind::kBigint}}, {"note", Type{TypeKind::kVarchar}}};
  return spec;
}

std::string note_of(const std::string& text) { return text + std::string(900, 'n') + text; }

std::string word(std::uint64_t i) { return "a word that is not short, number " + std::to_string(i * 7919); }

void add(StateTable& table, std::uint64_t i) {
  const std::string text = word(i);
  const auto [row, inserted] = table.upsert({std::string_view(text)});
  table.set(row, 1, table.get<std::int64_t>(row, 1) + static_cast<std::int64_t>(i));
  table.set_bytes(row, 2, note_of(text));
}

void check_word(const StateTable& table, std::uint64_t i, std::int64_t times) {
  const std::string text = word(i);
  const Row row = table.find({std::string_view(text)});
  BOOST_REQUIRE(row);
  BOOST_REQUIRE(table.get<std::int64_t>(row, 1) == static_cast<std::int64_t>(i) * times);
  BOOST_REQUIRE(table.bytes(row, 2) == note_of(text));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(state_memory, *boost::unit_test::enable_if<!kSanitized>())

BOOST_AUTO_TEST_CASE(a_table_several_times_larger_than_its_memory_is_the_same_table) {
  constexpr std::uint64_t kRows = 60'000;
  const Bounded bounded(20 * kMiB);
  StateTable table(word_spec());
  std::uint64_t most = 0;
  for (std::uint64_t i = 0; i < kRows; ++i) {
    add(table, i);
    if (i % 64 == 0) most = std::max(most, resident_bytes());
  }
  std::mt19937_64 random(3);
  for (int i = 0; i < 4'000; ++i) {
    check_word(table, random() % kRows, 1);
    if (i % 64 == 0) most = std::max(most, resident_bytes());
  }
  BOOST_TEST(table.size_bytes() > 60 * kMiB);
  BOOST_TEST(StateMemory::spilled_bytes() > 40 * kMiB);
  BOOST_TEST(most <= bounded.memory());
  std::uint64_t sum = 0;
  table.for_each([&](Row row) { sum += static_cast<std::uint64_t>(table.get<std::int64_t>(row, 1)); });
  BOOST_TEST(sum == kRows * (kRows - 1) / 2);
  BOOST_TEST(resident_bytes() <= bounded.memory());
  table.clear();
  BOOST_TEST(StateMemory::spilled_bytes() < 1 * kMiB);
}

BOOST_AUTO_TEST_CASE(captures_and_restores_of_what_does_not_fit_stay_within_memory) {
  constexpr std::uint64_t kRows = 40'000;
  const TempDir dir;
  FastFiles files;
  WriterOptions options = Instance::options(dir.path(), 0, 1, 1);
  options.piece_bytes = 1 << 20;
  InstanceFiles written;
  std::uint64_t most = 0;
  {
    const Bounded bounded(20 * kMiB);
    StateStore store;
    StateTable& table = store.table(word_spec());
    SnapshotWriter writer(files, options);
    for (std::uint64_t i = 0; i < kRows; ++i) add(table, i);
    written = take(writer.write(store.capture(Epoch(1))));
    store.completed(Epoch(1));
    for (std::uint64_t i = 0; i < kRows; i += 2) add(table, i);
    written = take(writer.write(store.capture(Epoch(2))));
    most = resident_bytes();
    BOOST_TEST(most <= bounded.memory());
  }
  for (const bool bound : {true, false}) {
    std::optional<Bounded> bounded;
    if (bound) bounded.emplace(20 * kMiB);
    {
      StateStore store;
      StateTable& table = store.table(word_spec());
      require_ok(store.restore({dir / "checkpoints", Epoch(2), 1, {written}, true}));
      if (bound) BOOST_TEST(resident_bytes() <= bounded->memory());
      if (bound) BOOST_TEST(StateMemory::spilled_bytes() > 10 * kMiB);
      BOOST_TEST(table.rows() == kRows);
      for (std::uint64_t i = 0; i < kRows; i += 97) check_word(table, i, i % 2 == 0 ? 2 : 1);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_fits_is_not_spilled) {
  const Bounded bounded(64 * kMiB);
  StateTable table(word_spec());
  for (std::uint64_t i = 0; i < 10'000; ++i) add(table, i);
  BOOST_TEST(StateMemory::spilled_bytes() == 0u);
}

BOOST_AUTO_TEST_CASE(pieces_are_zeroed_when_they_come_again) {
  const Bounded bounded(16 * kMiB);
  for (int round = 0; round < 3; ++round) {
    const std::size_t size = 40 * kMiB;
    std::uint8_t* piece = StateMemory::allocate(size);
    BOOST_REQUIRE(piece != nullptr);
    for (std::size_t i = 0; i < size; i += 4096) {
      BOOST_REQUIRE(piece[i] == 0);
      piece[i] = static_cast<std::uint8_t>(i >> 12 | 1);
    }
    for (std::size_t i = 0; i < size; i += 4096) BOOST_REQUIRE(piece[i] == static_cast<std::uint8_t>(i >> 12 | 1));
    BOOST_REQUIRE(StateMemory::release(piece, size));
  }
}

// In a process of its own, since it ends.
std::string last_words(std::uint64_t for_state, rlim_t largest_file) {
  const TempDir dir;
  int ends[2];
  BOOST_REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{largest_file, largest_file};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    StateMemory::begin({"tested", dir.path(), resident_bytes() + for_state, give_up});
    StateTable table(word_spec());
    for (std::uint64_t i = 0; i < 40'000; ++i) add(table, i);
    std::_Exit(0);
  }
  ::close(ends[1]);
  std::string said;
  char some[512];
  for (ssize_t n; (n = ::read(ends[0], some, sizeof some)) > 0;) said.append(some, static_cast<std::size_t>(n));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  BOOST_TEST(WIFEXITED(status));
  BOOST_TEST(WEXITSTATUS(status) == (said.empty() ? 0 : 1));
  return said;
}

BOOST_AUTO_TEST_CASE(what_the_disk_does_not_take_is_said) {
  const std::string said = last_words(20 * kMiB, 8 * kMiB);
  BOOST_TEST(said.find("unable to spill state of stage 'tested', which is larger than its 'memory' of ") == 0u);
  BOOST_TEST(said.find("File too large; make room there, or raise 'memory'") != std::string::npos);
  BOOST_TEST(last_words(20 * kMiB, RLIM_INFINITY) == "");
}

BOOST_AUTO_TEST_CASE(memory_that_is_not_enough_for_the_rest_is_said) {
  const std::string said = last_words(1 * kMiB, RLIM_INFINITY);
  BOOST_TEST(said.find("'memory' of stage 'tested' is ") == 0u);
  BOOST_TEST(said.find("; set 'memory: ") != std::string::npos);
}

// What no table asked for is refused as ever.
BOOST_AUTO_TEST_CASE(a_mistake_is_still_a_mistake) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGSEGV, SIG_DFL);
    const TempDir dir;
    StateMemory::begin({"tested", dir.path(), resident_bytes() + 20 * kMiB, give_up});
    std::uint8_t* piece = StateMemory::allocate(1 * kMiB);
    StateMemory::release(piece, 1 * kMiB);
    *static_cast<volatile std::uint8_t*>(piece) = 1;
    std::_Exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  BOOST_TEST(WIFSIGNALED(status));
  BOOST_TEST(WTERMSIG(status) == SIGSEGV);
}

BOOST_AUTO_TEST_SUITE_END()
