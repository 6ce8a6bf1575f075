// What `stream deploy` is told of a pipeline, and what becomes of its objects.
#include "supervisor/kubernetes/controller/told.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "supervisor/kubernetes/definition.h"
#include "supervisor/kubernetes/objects.h"

using namespace stream::kubernetes;
using nlohmann::json;

namespace {

const Owner kOwner{"far", "u-1", "space"};

Kept kept_with(const json& spec) {
  Kept kept;
  kept.phase = Phase::kDeploying;
  kept.attempt = 3;
  kept.reconciled = spec;
  return kept;
}

bool has(const Told& told, const std::string& option, const std::string& value) {
  for (std::size_t i = 0; i + 1 < told.args.size(); ++i) {
    if (told.args[i] == option && told.args[i + 1] == value) return true;
  }
  return false;
}

std::string lines_of(const std::vector<nlohmann::ordered_json>& objects) {
  std::string lines;
  for (const auto& object : objects) lines += object.dump() + "\n";
  return lines;
}

}  // namespace

BOOST_AUTO_TEST_CASE(each_part_of_the_spec_is_an_option) {
  Kept kept = kept_with({{"image", "i"},
                         {"manifest", "m"},
                         {"storage", "2Gi"},
                         {"cpus", 2},
                         {"isolate", true},
                         {"memory", "1Gi"},
                         {"replicas", 2},
                         {"secrets", {"k", "l"}},
                         {"set", {{"log", "debug"}}},
                         {"parameters", {{"day", "1"}}},
                         {"savepoints", {{"every", "1h"}, {"keep", 3}}},
                         {"podTemplate", {{"spec", {{"nodeName", "n"}}}}}});
  const Told told = deploy_told(kept, kOwner, "tokens of it");
  BOOST_TEST(has(told, "--image", "i"));
  BOOST_TEST(has(told, "--name", "far"));
  BOOST_TEST(has(told, "--namespace", "space"));
  BOOST_TEST(has(told, "--deployment", "3"));
  BOOST_TEST(has(told, "--storage", "2Gi"));
  BOOST_TEST(has(told, "--cpus", "2"));
  BOOST_TEST(has(told, "--replicas", "2"));
  BOOST_TEST(has(told, "--secret", "l"));
  BOOST_TEST(has(told, "--set", "log=debug"));
  BOOST_TEST(has(told, "--set", "savepoints.every=1h"));
  BOOST_TEST(has(told, "--set", "savepoints.keep=3"));
  BOOST_TEST(has(told, "--parameter", "day=1"));
  BOOST_TEST(std::ranges::count(told.args, "--isolate") == 1);
  BOOST_TEST(told.files.at("manifest.yaml") == "m");
  BOOST_TEST(told.files.at("tokens") == "tokens of it");
  BOOST_TEST(told.files.at("podTemplate.yaml") == R"({"spec":{"nodeName":"n"}})");
  BOOST_TEST(std::ranges::count(told.args, "--fresh") == 0);
  kept.fresh = true;
  BOOST_TEST(std::ranges::count(deploy_told(kept, kOwner, "").args, "--fresh") == 1);
  kept.from = "/s/1";
  BOOST_TEST(has(deploy_told(kept, kOwner, ""), "--from", "/s/1"));
  BOOST_TEST(!has(deploy_told(kept, kOwner, ""), "--outputs", "rewind"));
  kept.before = "/s/1";  // it is rolled back to what was before
  BOOST_TEST(has(deploy_told(kept, kOwner, ""), "--outputs", "rewind"));
}

BOOST_AUTO_TEST_CASE(objects_have_an_owner_and_an_address) {
  const std::string lines = lines_of(object_list({.job = "far",
                                                  .image = "i",
                                                  .space = "space",
                                                  .file = "m",
                                                  .manifest = "m",
                                                  .replicas = 2,
                                                  .hosts = {"a"},
                                                  .isolated = true}));
  Kept kept = kept_with({{"manifest", "m"}});
  const auto objects = objects_of(lines, kept, kOwner);
  BOOST_REQUIRE(objects.ok());
  for (const json& object : *objects) {
    BOOST_TEST(object["metadata"]["ownerReferences"][0]["uid"] == "u-1");
    BOOST_TEST(address_of(object).ok());
  }
  const Address at = *address_of(objects->back());
  BOOST_TEST(at.group == "apis/apps/v1");
  BOOST_TEST(at.kind == "deployments");
  BOOST_TEST(at.name == "stream-far");
  BOOST_TEST(objects->back()["spec"]["replicas"] == 2);
  const std::string applied = applied_of(*objects);
  BOOST_TEST(applied.size() == 64U);
  kept.phase = Phase::kSuspended;
  const auto suspended = objects_of(lines, kept, kOwner);
  BOOST_TEST(suspended->back()["spec"]["replicas"] == 0);
  BOOST_TEST(applied_of(*suspended) != applied);
}

BOOST_AUTO_TEST_CASE(a_volume_may_stay) {
  const std::string lines = lines_of(object_list({.job = "far", .image = "i", .file = "m", .manifest = "m"}));
  const auto objects = objects_of(lines, kept_with({{"manifest", "m"}, {"keepVolume", true}}), kOwner);
  for (const json& object : *objects)
    BOOST_TEST(object["metadata"].contains("ownerReferences") == (object["kind"] != "PersistentVolumeClaim"));
}

BOOST_AUTO_TEST_CASE(what_is_no_object_is_an_error) {
  BOOST_TEST(!objects_of("warning\n", kept_with({}), kOwner).ok());
  BOOST_TEST(!address_of({{"kind", "Node"}, {"apiVersion", "v1"}, {"metadata", {{"name", "n"}}}}).ok());
}

BOOST_AUTO_TEST_CASE(a_controller_is_deployed_with_an_image_into_a_namespace) {
  BOOST_TEST(check(ControllerDeployed{"", "n", 1}).what().find("--image") != std::string::npos);
  BOOST_TEST(check(ControllerDeployed{"i", "", 1}).what().find("--namespace") != std::string::npos);
  BOOST_TEST(check(ControllerDeployed{"i", "n", 1}).ok());
  const auto objects = controller_objects({"i", "n", 2});
  BOOST_TEST(objects.front()["kind"] == "CustomResourceDefinition");
  BOOST_TEST(objects.back()["spec"]["replicas"] == 2);
}
