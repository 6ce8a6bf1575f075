// What is read of a manifest and what its JSON Schema knows is the same, key by key, found out by trying each.
#include "supervisor/manifest_schema.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "fake_stages.h"
#include "supervisor/manifest_keys.h"

using namespace stream;
using nlohmann::ordered_json;
using stream::testing::FakeFiles;
using stream::testing::load;

namespace {

using Pointer = ordered_json::json_pointer;

// A map of a manifest that has keys of its own.
struct KeyedMap {
  Pointer at;
  ordered_json schema;
};

void find_maps(const ordered_json& schema, const Pointer& at, std::vector<KeyedMap>& found) {
  if (schema.contains("anyOf")) {
    for (const ordered_json& way : schema["anyOf"]) find_maps(way, at, found);
  }
  if (schema.contains("properties")) {
    found.push_back({at, schema});
    for (const auto& [name, below] : schema["properties"].items()) find_maps(below, at / name, found);
  }
  if (schema.contains("items")) find_maps(schema["items"], at / 0, found);
  if (schema.contains("additionalProperties")) find_maps(schema["additionalProperties"], at / "x", found);
}

std::vector<KeyedMap> maps_of(const char* definition) {
  std::vector<KeyedMap> found;
  find_maps(manifest_schema({})["definitions"][definition], Pointer(), found);
  return found;
}

std::set<std::string> keys_in(const KeyedMap& place) {
  std::set<std::string> names;
  for (const auto& [name, below] : place.schema["properties"].items()) names.insert(name);
  return names;
}

// Every key of any map, and one of none.
std::set<std::string> candidates() {
  std::set<std::string> all = {"bogus"};
  for (const char* definition : {"manifest", "fragment"}) {
    for (const KeyedMap& place : maps_of(definition)) all.merge(keys_in(place));
  }
  return all;
}

const ordered_json kStages = {{"in", {{"run", "read-file"}, {"path", "x"}}}};

bool known(const std::string& problems, const std::string& key) {
  return problems.find("has no key '" + key + "'") == std::string::npos;
}

// What the reader says of a manifest with this key in this map.
std::string said_of(const Pointer& at, const std::string& key, const ordered_json& beside = {}) {
  ordered_json manifest = {{"pipeline", "p"}, {"stages", kStages}};
  ordered_json& map = manifest[at];
  for (const auto& [name, value] : beside.items()) map[name] = value;
  if (!map.contains(key)) map[key] = "1";
  return load(manifest.dump()).problems;
}

void compare(const KeyedMap& place, const std::set<std::string>& right, const ordered_json& beside = {}) {
  for (const std::string& key : candidates()) {
    BOOST_TEST_CONTEXT(place.at.to_string() << " " << beside.dump() << " " << key) {
      BOOST_TEST(known(said_of(place.at, key, beside), key) == right.contains(key));
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(manifest_schema_keys)

BOOST_AUTO_TEST_CASE(every_key_that_is_read_is_in_the_schema_and_no_other) {
  const std::vector<KeyedMap> places = maps_of("manifest");
  BOOST_TEST(places.size() >= 12U);
  for (const KeyedMap& place : places) {
    if (place.schema.contains("allOf")) continue;  // below
    compare(place, keys_in(place));
  }
}

BOOST_AUTO_TEST_CASE(keys_that_belong_to_a_strategy_are_known_with_it_alone) {
  for (const KeyedMap& place : maps_of("manifest")) {
    if (!place.schema.contains("allOf")) continue;
    BOOST_TEST(place.at.to_string() == "/restart");
    BOOST_TEST(place.schema["allOf"].size() == 4U);
    for (const ordered_json& rule : place.schema["allOf"]) {
      const ordered_json& chosen = rule["if"]["properties"]["strategy"]["const"];
      const auto names = rule["then"]["propertyNames"]["enum"].get<std::set<std::string>>();
      compare(place, names, {{"strategy", chosen}});
      if (!rule["if"].contains("required")) compare(place, names);
    }
  }
}

BOOST_AUTO_TEST_CASE(an_included_file_has_keys_of_its_own) {
  const std::vector<KeyedMap> places = maps_of("fragment");
  const std::set<std::string> right = keys_in(places.front());
  BOOST_TEST(places.front().at.to_string() == "");
  for (const std::string& key : candidates()) {
    if (key == "pipeline") continue;  // said in other words: it runs by itself
    ordered_json fragment = {{"stages", kStages}};
    if (key != "stages") fragment[key] = "1";
    FakeFiles files;
    files.texts["/data/f.yaml"] = fragment.dump();
    const ordered_json manifest = {{"pipeline", "p"}, {"include", {{"f", "f.yaml"}}}, {"stages", kStages}};
    BOOST_TEST_CONTEXT(key) {
      BOOST_TEST(known(load(manifest.dump(), {}, files).problems, key) == right.contains(key));
    }
  }
}

BOOST_AUTO_TEST_CASE(words_are_those_that_are_read) {
  for (const std::string& mode : choices_of(key_of(keys_of("checkpoint"), "mode")))
    BOOST_TEST(
        load("{pipeline: p, checkpoint: {mode: " + mode + "}, stages: {in: {run: read-file, path: x}}}").problems ==
        "");
  const std::vector<std::string> strategies = choices_of(key_of(keys_of("restart"), "strategy"));
  for (std::size_t i = 0; i < strategies.size(); ++i)
    BOOST_TEST(strategies[i] == strategy_name(static_cast<RestartStrategy>(i)));
}

BOOST_AUTO_TEST_CASE(savepoints_are_what_is_said) {
  const auto loaded = load(
      "{pipeline: p, savepoints: {every: 1h, keep: 24, keep-for: 7d, archive: true, to: ../kept}, stages: {in: {run: "
      "read-file, path: x}}}");
  BOOST_TEST_REQUIRE(loaded.problems == "");
  const SavepointRules& rules = loaded.pipelines[0].savepoints;
  BOOST_TEST(
      (rules ==
       SavepointRules{
           .every_us = 3'600'000'000, .keep = 24, .keep_for_us = 7 * 86'400'000'000, .archive = true, .to = "/kept"}));
  const auto again = pipeline_from_json(pipeline_to_json(loaded.pipelines[0]));
  BOOST_TEST_REQUIRE(again.ok());
  BOOST_TEST((again->savepoints == rules));
  BOOST_TEST(rules_text(rules, "p") == "one every 1h; keeps 24; for 7d; as archives; in /kept/p");
}

BOOST_AUTO_TEST_CASE(savepoints_that_make_no_sense_are_refused) {
  const auto said = [](const std::string& block) {
    return load("{pipeline: p, savepoints: " + block + ", stages: {in: {run: read-file, path: x}}}").problems;
  };
  const auto has = [&](const std::string& block, const std::string& text) {
    BOOST_TEST_CONTEXT(block << ": " << said(block)) { BOOST_TEST(said(block).find(text) != std::string::npos); }
  };
  has("{every: 1ms}", "m.yaml:1:35: 'every' must be at least 1s");
  has("{every: soon}", "'every'");
  has("{keep: 0}", "'0' is not a number from 1 to 1000000");
  has("{keep-for: 0s}", "'keep-for' must be more than 0");
  has("{every: 1h, archive: true, single-file: true}", "'archive' and 'single-file' exclude each other");
  has("{keep: 2, to: x}", "'to' needs 'every'");
  has("{evry: 1h}", "did you mean 'every'?");
  has("often", "'savepoints' must be a map");
  BOOST_TEST(said("{keep: 3}") == "");
}

BOOST_AUTO_TEST_SUITE_END()
