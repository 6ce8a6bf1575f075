#include <boost/test/unit_test.hpp>

#include <nlohmann/json.hpp>

#include "supervisor/kubernetes/objects.h"
#include "supervisor/kubernetes/overlay.h"
#include "supervisor/kubernetes/yaml.h"

namespace stream::kubernetes {
namespace {

BOOST_AUTO_TEST_SUITE(kubernetes)

Deployed simple() {
  return {.job = "counts",
          .image = "registry.example/stream:1",
          .file = "manifest.yaml",
          .manifest = "pipeline: counts\n\"x\": y\n",
          .digest = "d1"};
}

bool has(const Deployed& deployed, const std::string& text) {
  return objects(deployed).find(text) != std::string::npos;
}

BOOST_AUTO_TEST_CASE(there_are_four_objects_and_none_gives_rights) {
  const std::string text = objects(simple());
  std::vector<std::string> kinds;
  for (std::size_t at = text.find("\nkind: "); at != std::string::npos; at = text.find("\nkind: ", at + 1))
    kinds.push_back(text.substr(at + 7, text.find('\n', at + 1) - at - 7));
  const std::vector<std::string> wanted = {"ServiceAccount", "ConfigMap", "PersistentVolumeClaim", "Deployment"};
  BOOST_TEST(kinds == wanted, boost::test_tools::per_element());
  BOOST_TEST(has(simple(), "automountServiceAccountToken: false"));
  BOOST_TEST(has(simple(), "strategy: {type: Recreate}"));
}

BOOST_AUTO_TEST_CASE(several_supervisors_may_replace_what_decides_who_leads_and_nothing_else) {
  Deployed deployed = simple();
  deployed.replicas = 3;
  BOOST_TEST(check(deployed).what().find("--namespace") != std::string::npos);
  deployed.space = "lab";
  BOOST_TEST(check(deployed).what().find("checkpoint: {path: ") != std::string::npos);
  for (const char* place : {"/var/lib/stream", "/var/lib/stream/c", "s3://b/p"}) {
    deployed.checkpoints = place;
    BOOST_TEST(check(deployed).ok(), place);
  }
  deployed.checkpoints = "/var/lib/streams";
  BOOST_TEST(!check(deployed).ok());
  for (const char* text : {"replicas: 3", "accessModes: [ReadWriteMany]", "automountServiceAccountToken: true",
                           "resourceNames: [stream-counts.term, stream-counts.job]\n    verbs: [get, update]",
                           "resourceNames: [stream-counts]\n    verbs: [get, update]", "kind: RoleBinding",
                           R"("--ha", "kubernetes:///?lease=5s&deployment=d1")"})
    BOOST_TEST(has(deployed, text), text);
}

BOOST_AUTO_TEST_CASE(what_is_wanted_otherwise_is_put_over_what_is_made) {
  using json = nlohmann::ordered_json;
  const auto over = [](const char* base, const char* wanted) {
    return overlaid(json::parse(base), json::parse(wanted)).dump();
  };
  BOOST_TEST(over(R"({"a": 1, "b": {"c": 2, "d": 3}})", R"({"b": {"c": 4, "d": null}, "e": [5]})") ==
             R"({"a":1,"b":{"c":4},"e":[5]})");
  BOOST_TEST(over(R"([{"name": "x", "v": 1}, {"name": "y"}])", R"([{"name": "x", "w": 2}, {"name": "z"}])") ==
             R"([{"name":"x","v":1,"w":2},{"name":"y"},{"name":"z"}])");
  BOOST_TEST(over(R"([{"name": "data", "mountPath": "/a"}])", R"([{"name": "data", "mountPath": "/b"}])") ==
             R"([{"name":"data","mountPath":"/a"},{"name":"data","mountPath":"/b"}])");
  BOOST_TEST(over(R"(["x"])", R"(["y"])") == R"(["y"])");
}

BOOST_AUTO_TEST_CASE(hosts_are_pods_that_the_supervisor_may_make_with_keys_it_may_change) {
  Deployed deployed = simple();
  deployed.hosts = {"a", "b"};
  BOOST_TEST(check(deployed).what().find("--namespace") != std::string::npos);
  deployed.space = "lab";
  deployed.checkpoints = "/var/lib/stream/c";
  deployed.pod_template = nlohmann::ordered_json::parse(
      R"({"spec": {"nodeSelector": {"disk": "ssd"}, "containers": [{"name": "stream", "imagePullPolicy": "Always"},
          {"name": "instances", "imagePullPolicy": "Never"}]}})");
  BOOST_TEST(check(deployed).ok());
  for (const char* text :
       {"name: stream-counts-a\n", "kind: Secret",
        "resources: [pods]\n    resourceNames: [stream-counts-a, stream-counts-b]\n    verbs: [get, delete]",
        "resources: [secrets]\n    resourceNames: [stream-counts-a, stream-counts-b]\n    verbs: [patch]",
        "name: STREAM_POD_TEMPLATE", "replicas: 1\n", "nodeSelector: {disk: ssd}", "imagePullPolicy: Always",
        R"(\"imagePullPolicy\":\"Never\")"})
    BOOST_TEST(has(deployed, text), text);
  deployed.hosts = {"A"};
  BOOST_TEST(!check(deployed).ok());
  for (const char* wrong :
       {"[]", R"({"kind": {}})", R"({"spec": []})", R"({"spec": {"containers": [{"image": "x"}]}})"}) {
    Deployed other = simple();
    other.pod_template = nlohmann::ordered_json::parse(wrong);
    BOOST_TEST((check(other).code() == Code::kUsage), wrong);
  }
}

BOOST_AUTO_TEST_CASE(yaml_reads_as_the_json_it_was) {
  const auto document = nlohmann::ordered_json::parse(
      R"({"a": [{"b": 1, "c": {"d": [], "e": {"f": {}}}}, "x y", [1, [2]]], "on": "no", "n": null, "t": "a: #b\n", "v": "1.5"})");
  BOOST_TEST(yaml_of(document) ==
             "---\na:\n  - b: 1\n    c:\n      d: []\n      e:\n        f: {}\n  - \"x y\"\n  -\n    - 1\n    - [2]\n"
             "\"on\": \"no\"\n\"n\": null\nt: \"a: #b\\n\"\nv: \"1.5\"\n");
}

BOOST_AUTO_TEST_CASE(the_manifest_is_there_as_it_is) {
  BOOST_TEST(has(simple(), "data: {manifest: \"pipeline: counts\\n\\\"x\\\": y\\n\"}\n"));
}

BOOST_AUTO_TEST_CASE(what_is_not_said_is_not_asked_for) {
  BOOST_TEST(has(simple(), "resources: {}\n"));
  BOOST_TEST(!has(simple(), "namespace:"));
  BOOST_TEST(!has(simple(), "storageClassName"));
  BOOST_TEST(!has(simple(), "envFrom"));
}

BOOST_AUTO_TEST_CASE(what_is_said_is_asked_for) {
  Deployed deployed = simple();
  deployed.space = "lab";
  deployed.storage = "7Gi";
  deployed.storage_class = "fast.disk";
  deployed.cpus = "1.5";
  deployed.memory = "2Gi";
  deployed.secrets = {"keys"};
  deployed.run = {"--set", "a=b \"c\""};
  BOOST_TEST(check(deployed).ok());
  for (const char* text :
       {"namespace: lab", "storage: \"7Gi\"", "storageClassName: fast.disk", R"(requests: {cpu: "1.5", memory: "2Gi"})",
        R"(limits: {memory: "2Gi"})", "secretRef: {name: keys}", R"(run, manifest.yaml, "--set", "a=b \"c\"")"})
    BOOST_TEST(has(deployed, text), text);
}

BOOST_AUTO_TEST_CASE(what_the_api_server_would_refuse_is_refused) {
  const auto refused = [](auto change) {
    Deployed deployed = simple();
    change(deployed);
    return !check(deployed).ok();
  };
  BOOST_TEST(check(simple()).ok());
  BOOST_TEST(refused([](Deployed& d) { d.job = "counts-"; }));
  BOOST_TEST(refused([](Deployed& d) { d.image = ""; }));
  BOOST_TEST(refused([](Deployed& d) { d.space = "Lab"; }));
  BOOST_TEST(refused([](Deployed& d) { d.secrets = {"a}b"}; }));
  BOOST_TEST(refused([](Deployed& d) { d.manifest.assign(1'000'001, 'x'); }));
  for (const char* size : {"", "Gi", "0", "0.0Gi", "1.2.3", ".5", "5.", "5GiB", "-1", "1 Gi"})
    BOOST_TEST(refused([&](Deployed& d) { d.storage = size; }), size);
}

BOOST_AUTO_TEST_CASE(it_is_reached_by_its_own_pods_and_by_who_asks_it) {
  Deployed deployed = simple();
  BOOST_TEST(!has(deployed, "NetworkPolicy"));
  deployed.isolated = true;
  BOOST_TEST(has(deployed, "kind: NetworkPolicy"));
  BOOST_TEST(!has(deployed, "port: 8081"));
  deployed.tokens = "controller operate " + std::string(64, 'a') + "\n";
  BOOST_TEST(has(deployed, "port: 8081"));
}

BOOST_AUTO_TEST_CASE(how_it_begins_is_told_to_its_script) {
  Deployed deployed = simple();
  deployed.from = "/var/lib/stream/savepoints/1";
  deployed.first = "--outputs=rewind";
  BOOST_TEST(has(deployed, "/var/lib/stream/savepoints/1"));
  BOOST_TEST(has(deployed, "--outputs=rewind"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace stream::kubernetes
