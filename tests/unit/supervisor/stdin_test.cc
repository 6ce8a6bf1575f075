// Standard input in planning: who asks for a sample, who may read, what is found before, what may be deleted.
#include <boost/test/unit_test.hpp>

#include "fake_stages.h"
#include "supervisor/implicit_source.h"
#include "supervisor/sampling_asker.h"
#include "supervisor/spool_needed.h"
#include "transport/control_messages.h"

using namespace stream;
using namespace stream::testing;

namespace {

StageAnswer source_answer(const std::string& schema) {
  StageAnswer answer;
  answer.outputs = {{"out", *parse_schema(schema), {}}};
  answer.reads_stdin = true;
  return answer;
}

// Gives one line more each time.
class Lines final : public InputSampler {
 public:
  explicit Lines(std::vector<std::string> lines) : lines_(std::move(lines)) {}
  FixedOptions before;
  std::size_t given = 0;

  Result<FixedOptions> found_before(const StageQuestion&) override { return before; }
  Result<InputSample> sample(std::uint64_t) override {
    given = std::min(given + 1, lines_.size());
    InputSample sample;
    for (std::size_t i = 0; i < given; ++i) sample.text += lines_[i];
    sample.complete = sample.exhausted = given == lines_.size();
    return sample;
  }

 private:
  std::vector<std::string> lines_;
};

// A stage that is content with a line of numbers.
FakeAsker picky() {
  FakeAsker stages;
  stages.answers["in"] = [](const StageQuestion& question) {
    StageAnswer answer = source_answer("n bigint");
    if (question.options.find("schema") != std::string::npos) return answer;
    const std::string text = question.sample ? question.sample->text : "";
    if (text.find('1') == std::string::npos) answer.sample_bytes = 100;
    if (text.find('1') == std::string::npos && question.sample && question.sample->exhausted) {
      answer.sample_bytes = 0;
      answer.errors = {{"schema", 0, "nothing to be found", ""}};
    }
    answer.fixed = {{"schema", "n bigint"}};
    return answer;
  };
  return stages;
}

std::vector<std::string> texts(const std::vector<Word>& words) {
  std::vector<std::string> out;
  for (const Word& word : words) out.push_back(word.text);
  return out;
}

SharedWords share(const std::vector<std::string>& words) {
  FakeCatalogue catalogue;
  std::vector<Word> given;
  for (const std::string& word : words) given.push_back({word, 0, false});
  return share_words(**catalogue.find("read-file"), **catalogue.find("aggregate"), given);
}

CheckpointIndex index_at(std::uint64_t epoch, SpoolPosition position) {
  CheckpointIndex index;
  index.epoch = Epoch(epoch);
  SnapshotDone done;
  done.spool_input = position.input;
  done.spool_offset = position.offset;
  index.instances = {{"other", 0, {}, "{}"}, {"in", 0, {}, to_json(done)}};
  return index;
}

}  // namespace

BOOST_TEST_SPECIALIZED_COLLECTION_COMPARE(std::vector<std::string>)

BOOST_AUTO_TEST_SUITE(standard_input)

BOOST_AUTO_TEST_CASE(a_stage_is_asked_again_with_more_until_it_has_found_something) {
  FakeAsker stages = picky();
  Lines input({"x\n", "y\n", "1\n", "2\n"});
  SamplingAsker asker(stages, input);
  const auto answer = asker.ask({}, {.stage = "in"});
  BOOST_TEST_REQUIRE(answer.ok(), answer.status().what());
  BOOST_TEST(answer->errors.empty());
  BOOST_TEST(answer->fixed.at("schema") == "n bigint");
  BOOST_TEST(input.given == 3u);
  BOOST_TEST(stages.asked["in"].sample->text == "x\ny\n1\n");
}

BOOST_AUTO_TEST_CASE(a_stage_that_finds_nothing_answers_with_an_error_when_all_was_seen) {
  FakeAsker stages = picky();
  Lines input({"x\n", "y\n"});
  const auto answer = SamplingAsker(stages, input).ask({}, {.stage = "in"});
  BOOST_TEST_REQUIRE(answer.ok(), answer.status().what());
  BOOST_TEST(answer->errors.size() == 1u);
  // One that insists is wrong.
  stages.answers["in"] = [](const StageQuestion&) {
    StageAnswer insists;
    insists.sample_bytes = 10;
    return insists;
  };
  BOOST_TEST(!SamplingAsker(stages, input).ask({}, {.stage = "in"}).ok());
}

BOOST_AUTO_TEST_CASE(what_was_found_before_holds_on_and_nothing_is_looked_at) {
  FakeAsker stages = picky();
  Lines input({"1\n"});
  input.before = {{"schema", "n double"}};
  const auto answer = SamplingAsker(stages, input).ask({}, {.stage = "in", .options = R"({"path":"-"})"});
  BOOST_TEST_REQUIRE(answer.ok(), answer.status().what());
  BOOST_TEST(answer->fixed.at("schema") == "n double");
  BOOST_TEST(stages.asked["in"].options == R"({"path":"-","schema":"n double"})");
  BOOST_TEST(input.given == 0u);
}

BOOST_AUTO_TEST_CASE(findings_hold_for_the_same_stage_with_the_same_options_only) {
  JobPlan plan;
  plan.pipeline.stages = {{.name = "in", .run = "read-file", .from = {}, .options = R"({"path":"-"})"}};
  plan.stages.resize(1);
  plan.stages[0].answer.fixed = {{"schema", "n bigint"}};
  const auto found = [&](const StageQuestion& question) { return found_in(plan, question).size(); };
  BOOST_TEST(found({.stage = "in", .run = "read-file", .options = R"({"path":"-"})"}) == 1u);
  BOOST_TEST(found({.stage = "in", .run = "read-file", .options = R"({"path":"-","format":"csv"})"}) == 0u);
  BOOST_TEST(found({.stage = "other", .run = "read-file", .options = R"({"path":"-"})"}) == 0u);
}

BOOST_AUTO_TEST_CASE(an_answer_keeps_what_it_says_of_standard_input) {
  StageAnswer answer = source_answer("n bigint");
  answer.sample_bytes = 77;
  answer.fixed = {{"schema", "n bigint"}};
  const auto again = answer_from_json(answer_to_json(answer));
  BOOST_TEST_REQUIRE(again.ok(), again.status().what());
  BOOST_TEST(again->reads_stdin);
  BOOST_TEST(again->sample_bytes == 77u);
  BOOST_TEST((again->fixed == answer.fixed));
  BOOST_TEST(options_with(R"({"schema":"a text","x":"y"})", answer.fixed) == R"({"schema":"a text","x":"y"})");
}

BOOST_AUTO_TEST_CASE(only_one_stage_can_read_it) {
  FakeCatalogue catalogue;
  FakeAsker stages;
  const auto source = [](const StageQuestion&) { return source_answer("n bigint"); };
  stages.answers["a"] = source;
  stages.answers["b"] = source;
  PipelineSpec pipeline;
  pipeline.name = "p";
  pipeline.stages = {{.name = "a", .run = "read-file", .from = {}, .at = {"m.yaml", 3, 1}},
                     {.name = "b", .run = "read-file", .from = {}, .at = {"m.yaml", 4, 1}}};
  Problems problems;
  const JobPlan plan = make_plan(pipeline, catalogue, stages, {}, problems);
  BOOST_TEST(problems.text() == "m.yaml:4:1: stage 'b' cannot read standard input: 'a' does, and there is only one");
  BOOST_TEST((stdin_stage(plan) == 0u));
}

BOOST_AUTO_TEST_CASE(options_about_reading_go_to_the_source_that_is_not_written) {
  const SharedWords shared = share({"--schema", "a bigint", "--by", "host", "--time=ts", "--format", "csv",
                                    "--on-error", "skip", "count(*) as n", "--follow", "--lateness", "1m"});
  BOOST_TEST(texts(shared.source) == (std::vector<std::string>{"--schema", "a bigint", "--time=ts", "--format", "csv",
                                                               "--on-error", "skip", "--follow"}));
  BOOST_TEST(texts(shared.stage) ==
             (std::vector<std::string>{"--by", "host", "--on-error", "skip", "count(*) as n", "--lateness", "1m"}));
  BOOST_TEST(texts(share({"a", "--schema"}).source) == (std::vector<std::string>{"--schema"}));
  BOOST_TEST(texts(share({"--", "--schema", "x"}).stage) == (std::vector<std::string>{"--", "--schema", "x"}));
}

BOOST_AUTO_TEST_CASE(what_no_kept_checkpoint_goes_back_to_may_be_deleted) {
  Inventory inventory;
  inventory.indexes = {index_at(1, {5, 10}), index_at(2, {5, 70}), index_at(3, {5, 50}), index_at(4, {6, 0})};
  RetentionPlan plan;
  const auto needed = [&](std::vector<Epoch> keep) {
    plan.keep = std::move(keep);
    return spool_needed(inventory, plan, "in");
  };
  BOOST_TEST((needed({Epoch(2), Epoch(3), Epoch(4)}) == SpoolPosition{5, 50}));
  BOOST_TEST((needed({Epoch(4)}) == SpoolPosition{6, 0}));
  BOOST_TEST((needed({}) == SpoolPosition{}));
  inventory.indexes.push_back(index_at(5, {0, 0}));  // does not say
  BOOST_TEST((needed({Epoch(4), Epoch(5)}) == SpoolPosition{}));
  BOOST_TEST((spool_needed(inventory, plan, "elsewhere") == SpoolPosition{}));
}

BOOST_AUTO_TEST_SUITE_END()
