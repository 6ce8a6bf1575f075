#include "supervisor/manifest.h"

#include <boost/test/unit_test.hpp>

#include "fake_stages.h"

using namespace stream;
using stream::testing::FakeFiles;
using stream::testing::load;

namespace {

const std::string kWebErrors = R"(pipeline: web-errors
parameters: {path: {type: varchar, default: access.ndjson}}
checkpoint: {interval: 2s, keep: 5, mode: at-least-once}
restart: {strategy: fixed-delay, attempts: 7, delay: 5s}
key-groups: 64
stages:
  requests:   {run: read-file, path: "${path}", follow: true, time: ts, out-of-order: 5s}
  errors:
    run: filter
    where: status >= 500
  per-minute:
    run: aggregate
    by: [host]
    window: tumble 1m
    compute:
      errors: count(*)
      slowest: coalesce(max(ms), 0)
    parallelism: 2
    memory: 64MiB
  table:      {run: write-sqlite, path: errors.db, table: errors}
  late:       {run: write-file, from: per-minute.late, path: late/}
  bad:        {run: write-file, from: requests.errors, path: bad.ndjson}
)";

}  // namespace

BOOST_AUTO_TEST_SUITE(manifest)

BOOST_AUTO_TEST_CASE(a_manifest_becomes_a_pipeline) {
  const auto loaded = load(kWebErrors);
  BOOST_TEST_REQUIRE(loaded.problems == "");
  BOOST_TEST_REQUIRE(loaded.pipelines.size() == 1u);
  const PipelineSpec& p = loaded.pipelines[0];
  BOOST_TEST(p.name == "web-errors");
  BOOST_TEST(p.folder == "/data");
  BOOST_TEST(p.checkpoint.interval == 2'000'000);
  BOOST_TEST(p.checkpoint.keep == 5u);
  BOOST_TEST((p.checkpoint.mode == CheckpointMode::kAtLeastOnce));
  BOOST_TEST((p.restart.strategy == RestartStrategy::kFixedDelay));
  BOOST_TEST(p.restart.attempts == 7u);
  BOOST_TEST(p.key_groups == 64u);
  BOOST_TEST_REQUIRE(p.stages.size() == 6u);
  BOOST_TEST(p.stages[0].options == R"({"path":"access.ndjson","follow":"true","time":"ts","out-of-order":"5s"})");
  BOOST_TEST(p.stages[1].from[0].stage == "requests");
  BOOST_TEST(
      p.stages[2].options ==
      R"j({"by":["host"],"window":"tumble 1m","compute":{"errors":"count(*)","slowest":"coalesce(max(ms), 0)"}})j");
  BOOST_TEST(p.stages[2].parallelism == 2u);
  BOOST_TEST(p.stages[2].memory_bytes == 64u << 20);
  BOOST_TEST(p.stages[4].from[0].stage == "per-minute");
  BOOST_TEST(p.stages[4].from[0].output == "late");
  BOOST_TEST(to_string(p.stages[1].option_places.at("where").at) == "m.yaml:10:12");
}

BOOST_AUTO_TEST_CASE(a_pipeline_reads_back_from_json) {
  const PipelineSpec p = load(kWebErrors).pipelines.at(0);
  const auto again = pipeline_from_json(pipeline_to_json(p));
  BOOST_TEST_REQUIRE(again.ok(), again.status().what());
  BOOST_TEST(pipeline_to_json(*again) == pipeline_to_json(p));
  for (const char* bad : {"", "{}", "[]", R"({"pipeline": 1})"}) BOOST_TEST(!pipeline_from_json(bad).ok());
}

BOOST_AUTO_TEST_CASE(inputs_are_defaults_lists_and_maps) {
  const auto loaded = load(R"(pipeline: p
stages:
  a: {run: read-file, path: a}
  b: {run: read-file, path: b}
  both: {run: filter, from: [a, b.errors], where: x}
  out: {run: print}
  joined:
    run: join
    from: {l: a, r: b}
    on: l.x = r.x
  again: {run: filter, from: a, where: y}
  end: {run: print}
)");
  BOOST_TEST_REQUIRE(loaded.problems == "");
  const auto& stages = loaded.pipelines[0].stages;
  BOOST_TEST(stages[2].from.size() == 2u);
  BOOST_TEST(stages[2].from[1].output == "errors");
  BOOST_TEST(stages[3].from[0].stage == "both");
  BOOST_TEST(stages[4].from[1].name == "r");
  BOOST_TEST(stages[5].from[0].stage == "a");
}

BOOST_AUTO_TEST_CASE(memory_has_a_unit_and_is_enough) {
  const auto problems_of = [](const std::string& memory) {
    return load("pipeline: m\nmemory: 1GiB\nstages:\n  a: {run: read-file, path: x, memory: " + memory +
                "}\n  b: {run: print}\n")
        .problems;
  };
  BOOST_TEST(problems_of("32MiB") == "");
  BOOST_TEST(problems_of("64").find("'64' has no unit; write one like 64MiB or 64GiB") != std::string::npos);
  BOOST_TEST(problems_of("31MiB").find("'31MiB' is too little") != std::string::npos);
  BOOST_TEST(problems_of("much").find("'much' is not a size") != std::string::npos);
  BOOST_TEST(load("pipeline: m\nmemory: 64\nstages:\n  a: {run: read-file, path: x}\n  b: {run: print}\n")
                 .problems.find("'64' has no unit") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_shapes_of_the_manual_are_read) {
  Overrides given;
  given.parameters = {{"hook", "http://localhost/hook"}};
  const auto loaded = load(R"(pipeline: payments
parameters:
  hook: {doc: where large payments are announced}
stages:
  orders:   {run: read-kafka, topic: orders, format: json, time: ts, out-of-order: 5s}
  payments: {run: read-kafka, topic: payments, format: json, time: ts, out-of-order: 5s}
  paid:
    run: join
    from: {o: orders, p: payments}
    kind: left
    columns: ["o.*", p.amount as paid]
    on: o.id = p.order_id and p.ts between o.ts and o.ts + interval '10 minutes'
  split:    {run: route, from: paid, routes: {big: paid > 100, rest: else}}
  alert:    {run: write-http, from: split.big, url: "${hook}", token: "env:HOOK_TOKEN"}
  cdc:      {run: read-postgres, dsn: "env:PG", mode: cdc, tables: [customer, city]}
  copy:     {run: write-sqlite, from: cdc.customer, path: c.db, table: customer}
)",
                           given);
  BOOST_TEST_REQUIRE(loaded.problems == "");
  const auto& stages = loaded.pipelines[0].stages;
  BOOST_TEST(
      stages[2].options ==
      R"({"kind":"left","columns":["o.*","p.amount as paid"],"on":"o.id = p.order_id and p.ts between o.ts and o.ts + interval '10 minutes'"})");
  BOOST_TEST(stages[3].options == R"({"routes":{"big":"paid > 100","rest":"else"}})");
  BOOST_TEST(stages[4].options == R"({"url":"http://localhost/hook","token":"env:HOOK_TOKEN"})");
  BOOST_TEST(stages[6].from[0].output == "customer");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_said_with_its_place) {
  const std::string head = "pipeline: p\nstages:\n  in: {run: read-file, path: x}\n";
  const std::pair<std::string, std::string> kCases[] = {
      {"", "m.yaml: the manifest is empty"},
      {"a: [", "m.yaml:1:1: end of sequence flow not found"},
      {"- a\n", "m.yaml:1:1: the manifest must be a map, not a list"},
      {"pipeline: p\n", "m.yaml:1:1: 'stages' is missing"},
      {"pipeline: p\nstages: {}\n", "m.yaml:2:9: 'stages' must be a map of stages, not an empty one"},
      {"pipeline: Web\nstages:\n  in: {run: read-file, path: x}\n",
       "m.yaml:1:11: 'Web' is not a name: a lower-case letter, then up to 31 letters, digits or '-'"},
      {"stages:\n  in: {run: read-file, path: x}\n", "m.yaml:1:1: 'pipeline' is missing: the name of the job"},
      {head + "chekpoint: {}\n", "m.yaml:4:1: the manifest has no key 'chekpoint'; did you mean 'checkpoint'?"},
      {head + "checkpoint: {interval: 5, keep: 0, mod: x}\n",
       "m.yaml:4:24: 'interval': '5' is not a duration; write one like 100ms, 5s or 1m30s\n"
       "m.yaml:4:33: 'keep': '0' is not a number from 1 to 1000\n"
       "m.yaml:4:36: 'checkpoint' has no key 'mod'; did you mean 'mode'?"},
      {head + "checkpoint: {interval: 0}\n",
       "m.yaml:4:24: 'interval' must be more than 0; write none to have no checkpoints"},
      {head + "restart: {strategy: fixed-delay, max: 3s}\n",
       "m.yaml:4:34: 'restart' with strategy fixed-delay has no key 'max'"},
      {head + "restart: {strategy: sometimes}\n",
       "m.yaml:4:21: 'strategy': 'sometimes' is not one of none, fixed-delay, failure-rate, exponential-delay"},
      {head + "  in: {run: filter, where: x}\n", "m.yaml:4:3: duplicate key 'in'; it is on line 3 already"},
      {head + "  f: {run: fliter, where: x}\n",
       "m.yaml:4:12: there is no stage program 'fliter'; did you mean 'filter'?"},
      {head + "  f: {where: x}\n", "m.yaml:4:3: stage 'f' has no 'run'"},
      {head + "  f: text\n", "m.yaml:4:6: stage 'f' must be a map, not a text"},
      {head + "  F: {run: filter, where: x}\n",
       "m.yaml:4:3: 'F' is not a name: a lower-case letter, then up to 31 letters, digits or '-'"},
      {head + "  f: {run: filter, wher: x}\n",
       "m.yaml:4:3: stage 'f' needs option 'where'\n"
       "m.yaml:4:20: 'filter' has no option 'wher'; did you mean 'where'?"},
      {head + "  f: {run: filter, where: [a, b]}\n", "m.yaml:4:27: option 'where' takes one value, not a list"},
      {head + "  f: {run: filter, where: }\n", "m.yaml:4:27: option 'where' has no value"},
      {head + "  f: {run: aggregate, compute: n, by: {a: b}}\n", "m.yaml:4:39: option 'by' takes no map"},
      {head + "  f: {run: aggregate, compute: {a: [b]}}\n",
       "m.yaml:4:36: option 'compute' must hold texts, not a list"},
      {head + "  f: {run: filter, where: x, parallelism: 0}\n",
       "m.yaml:4:43: 'parallelism': '0' is not a number from 1 to 1024"},
      {head + "  f: {run: write-http, token: hunter2}\n",
       "m.yaml:4:31: option 'token': a secret is never written out; give env:NAME, file:PATH or credential:NAME"},
      {head + "  f: {run: filter, from: on, where: x}\n", "m.yaml:4:26: no stage 'on'; did you mean 'in'?"},
      {head + "  i: {run: read-file, from: in, path: x}\n", "m.yaml:4:29: 'read-file' is a source and takes no 'from'"},
      {"pipeline: p\nstages:\n  f: {run: filter, where: x}\n",
       "m.yaml:3:3: stage 'f' is the first and not a source: it needs 'from'"},
      {head + "  o: {run: print}\n  f: {run: filter, where: x}\n",
       "m.yaml:5:3: stage 'f' needs 'from': the stage above, 'o', is a sink and has no output"},
      {head + "  a: {run: filter, from: b, where: x}\n  b: {run: filter, from: a, where: x}\n",
       "m.yaml:5:26: the stages form a cycle: a -> b -> a"},
      {head + "  a: {run: filter, from: a, where: x}\n", "m.yaml:4:26: the stages form a cycle: a -> a"},
      {head + "  j: {run: join, from: in}\n",
       "m.yaml:4:24: 'join' needs named inputs, such as from: {a: in, b: other}"},
      {head + "  f: {run: filter, from: {a: in, b: in}, where: x}\n",
       "m.yaml:4:37: 'filter' tells 1 input apart, not 2"},
      {head + "  f: {run: aggregate, compute: {x: coalesce(a, b)}}\n",
       "m.yaml:4:36: 'coalesce(a' is cut off: a comma or bracket ends a value within {} and []; quote the expression "
       "or write one key a line\n"
       "m.yaml:4:48: 'b)' is cut off: a comma or bracket ends a value within {} and []; quote the expression or write "
       "one key a line"},
      {head + "  f:\n    run: filter\n    where: a = 'x #y'\n",
       "m.yaml:6:12: 'a = 'x' is cut off: ' #' begins a comment; quote the expression"},
      {head + "  f:\n    run: filter\n    where: a <> #b\n",
       "m.yaml:6:12: 'a <>' is cut off: ' #' begins a comment; quote the expression"},
      {head + "\tf: {run: filter, where: a}\n", "m.yaml:4:1: a tab does not indent in YAML; write blanks"},
      {head + "  f:\n    run: filter\n  \twhere: a\n", "m.yaml:6:3: a tab does not indent in YAML; write blanks"},
      {head + "metrics: {prometheus: {adress: x}}\n",
       "m.yaml:4:24: reporter 'prometheus' has no key 'adress'; did you mean 'address'?"},
      {head + "metrics: [log, log]\n",
       "m.yaml:4:16: there is a reporter 'log' already; a second of its kind has a name of its own and says 'reporter: "
       "log'"},
      {head + "metrics: {influxdb: {db: x, password: hunter2}}\n",
       "m.yaml:4:39: 'password': a secret is never written out; give env:NAME, file:PATH or credential:NAME"},
      {head + "metrics: {influxdb: {url: 'ftp://x', interval: 1ms}}\n",
       "m.yaml:4:11: reporter 'influxdb' needs 'db'\n"
       "m.yaml:4:27: 'url': 'ftp://x' is not a URL that begins with http:// or https://\n"
       "m.yaml:4:48: 'interval' must be at least 100ms"},
      {head + "metrics: {graphite: {address: here, protocol: tpc, include: 'a:b:c:d'}}\n",
       "m.yaml:4:31: 'address': 'here' is not of the form HOST:PORT\n"
       "m.yaml:4:47: 'protocol': 'tpc' is not one of tcp, udp; did you mean 'tcp'?\n"
       "m.yaml:4:61: 'a:b:c:d' is not of the form SCOPE[:NAME,…[:KIND,…]], as 'jobmanager.job:*Checkpoint*'"},
      {head + "evolve: x\n", "m.yaml:4:9: 'evolve' must be a map of stages, not a text"},
      {head + "evolve: {s: {wsa: t}}\n", "m.yaml:4:14: stage 's' of 'evolve' has no key 'wsa'; did you mean 'was'?"},
      {head + "evolve: {s: {drop: yes}}\n",
       "m.yaml:4:20: 'drop' can only be true; leave it out and nothing is dropped"},
      {head + "evolve: {s: {drop: true, was: t}}\n", "m.yaml:4:10: 's' is dropped: there is nothing else to say of it"},
      {head + "evolve: {s: {was: s}}\n", "m.yaml:4:19: 'was' is the name it has; leave it out"},
      {head + "evolve: {s: {columns: {c: {}}}}\n",
       "m.yaml:4:24: nothing is said of 'c'; say was, drop, convert or default"},
      {head + "evolve: {s: {tables: {t: {columns: {c: {convert: a, default: 1}}}}}}\n",
       "m.yaml:4:37: column 'c': it is converted or begins with a default, not both"},
      {head + "tests: x\n", "m.yaml:4:8: 'tests' must be a list, not a text"},
      {head + "  f: {run: filter, where: x, ttl: 1h}\n",
       "m.yaml:4:30: 'filter' keeps no state that 'ttl' could end; leave it out, or give it to the stage whose state "
       "grows"},
      {head + "  f: {run: filter, where: x, hosts: [a]}\n",
       "m.yaml:4:37: stage 'f' says where it may be, but the manifest has no 'hosts'"},
      {head + "checkpoint: {path: /c}\nhosts: {w: {via: pod, count: 2}, w-2: {via: pod}}\n",
       "m.yaml:5:8: two hosts are called 'w-2'"},
      {head + "checkpoint: {path: /c}\nhosts: {w: {address: a, count: 2}}\n",
       "m.yaml:5:32: host 'w' is no Pod, so there is one of it"},
      {head + "---\n" + head, "m.yaml:5:1: pipeline 'p' stands twice in this file"},
  };
  for (const auto& [text, expected] : kCases)
    BOOST_TEST(load(text).problems == expected, "for\n" << text << "got\n" << load(text).problems);
}

BOOST_AUTO_TEST_CASE(pods_of_a_kind_are_hosts_with_its_name_as_label) {
  const auto loaded = load(R"(pipeline: p
checkpoint: {path: /c}
hosts: {a: {via: pod, labels: [x]}, w: {via: pod, count: 2, slots: 3, labels: [y]}}
stages: {in: {run: read-file, path: a.log, hosts: w}, out: {run: print}}
)");
  BOOST_TEST_REQUIRE(loaded.problems == "");
  std::string found;
  for (const HostSpec& host : loaded.pipelines[0].hosts)
    found += host.name + " " + std::to_string(host.slots) + " " + join(host.labels, ",") + ";";
  BOOST_TEST(found == "a 0 x;w-1 3 y,w;w-2 3 y,w;");
}

BOOST_AUTO_TEST_CASE(parameters_stand_in_scalars_only) {
  Overrides given;
  given.parameters = {{"n", "7"}, {"where", "a: b #"}};
  const auto loaded = load(R"(pipeline: p
parameters:
  n: {type: bigint}
  where: {default: x}
stages:
  in: {run: read-file, path: "${env:HOME}/a-${n}.log"}
  f: {run: filter, where: "${where} $$ $1", parallelism: "${n}"}
  out: {run: print}
)",
                           given);
  BOOST_TEST_REQUIRE(loaded.problems == "");
  const PipelineSpec& p = loaded.pipelines[0];
  BOOST_TEST(p.stages[0].options == R"({"path":"/home/me/a-7.log"})");
  BOOST_TEST(p.stages[1].options == R"({"where":"a: b # $ $1"})");
  BOOST_TEST(p.stages[1].parallelism == 7u);
  BOOST_TEST(p.parameters[1].value == "a: b #");
}

BOOST_AUTO_TEST_CASE(wrong_parameters_are_refused) {
  Overrides given;
  given.parameters = {{"coun", "1"}, {"n", "x"}, {"key", "hunter2"}};
  const auto loaded = load(R"(pipeline: p
parameters:
  n: {type: bigint}
  count: {type: size}
  key: {type: secret}
  t: {type: nonsense}
stages:
  in: {run: read-file, path: "${pth} ${env:NOPE}"}
)",
                           given);
  BOOST_TEST(loaded.problems ==
             "-p: parameter 'n': 'x' is not an integer\n"
             "-p: parameter 'key': a secret is never written out; give env:NAME, file:PATH or credential:NAME\n"
             "-p: the manifest declares no parameter 'coun'; did you mean 'count'?\n"
             "m.yaml:4:3: parameter 'count' has no default: give -p count=VALUE\n"
             "m.yaml:6:13: 'nonsense' is neither a SQL type nor duration, size or secret\n"
             "m.yaml:8:30: no parameter 'pth'\n"
             "m.yaml:8:30: the environment has no 'NOPE'");
}

BOOST_AUTO_TEST_CASE(the_command_line_overrides_settings_and_options) {
  auto overrides = read_overrides({}, {"stages.f.where=y > 1", "checkpoint.interval=9s"});
  BOOST_TEST_REQUIRE(overrides.ok());
  overrides->parallelism = 4;
  overrides->name = "other";
  const auto loaded = load(R"(pipeline: p
stages:
  in: {run: read-file, path: x, parallelism: 1}
  f: {run: filter, where: x}
)",
                           *overrides);
  BOOST_TEST_REQUIRE(loaded.problems == "");
  const PipelineSpec& p = loaded.pipelines[0];
  BOOST_TEST(p.name == "other");
  BOOST_TEST(p.checkpoint.interval == 9'000'000);
  BOOST_TEST(p.stages[0].parallelism == 1u);
  BOOST_TEST(p.stages[1].parallelism == 4u);
  BOOST_TEST(p.stages[1].options == R"({"where":"y > 1"})");
  BOOST_TEST(!read_overrides({"novalue"}, {}).ok());
  BOOST_TEST(load("pipeline: p\nstages:\n  in: {run: read-file, path: x}\n", *read_overrides({}, {"stages.in.pth=x"}))
                 .problems == "--set stages.in.pth: 'read-file' has no option 'pth'; did you mean 'path'?");
}

BOOST_AUTO_TEST_CASE(included_stages_have_the_name_of_their_fragment) {
  FakeFiles files;
  files.texts["/data/geo.yaml"] = "stages:\n  cities: {run: read-file, path: c}\n  lookup: {run: filter, where: x}\n";
  const std::string text = "pipeline: p\ninclude: {geo: geo.yaml}\nstages:\n  out: {run: print, from: geo/lookup}\n";
  const auto loaded = load(text, {}, files);
  BOOST_TEST_REQUIRE(loaded.problems == "");
  const auto& stages = loaded.pipelines[0].stages;
  BOOST_TEST(stages[1].name == "geo/lookup");
  BOOST_TEST(stages[1].from[0].stage == "geo/cities");
  BOOST_TEST(stages[2].from[0].stage == "geo/lookup");
  BOOST_TEST(load(text).problems.starts_with("m.yaml:2:16: unable to open '/data/geo.yaml'"));
}

BOOST_AUTO_TEST_CASE(json_is_a_manifest_too) {
  const auto loaded = load(R"j({"pipeline": "p", "stages": {"in": {"run": "read-file", "path": "x", "follow": true},
    "a": {"run": "aggregate", "compute": {"x": "coalesce(a, b)"}}}})j");
  BOOST_TEST_REQUIRE(loaded.problems == "");
  BOOST_TEST(loaded.pipelines[0].stages[1].options == R"j({"compute":{"x":"coalesce(a, b)"}})j");
}

BOOST_AUTO_TEST_CASE(several_documents_are_several_pipelines) {
  const auto loaded = load(
      "pipeline: a\nstages: {in: {run: read-file, path: x}}\n---\npipeline: b\nstages: {in: {run: read-file, path: "
      "x}}\n");
  BOOST_TEST_REQUIRE(loaded.problems == "");
  BOOST_TEST(loaded.pipelines.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_name_chooses_one_of_several_pipelines) {
  const std::string text =
      "pipeline: a\nstages: {in: {run: read-file, path: x}}\n---\npipeline: b\nparameters: {p: {type: varchar}}\n"
      "stages: {in: {run: read-file, path: \"${p}\"}}\n";
  Overrides overrides = *read_overrides({"p=y"}, {"stages.in.follow=true"});
  overrides.name = "b";
  const auto loaded = load(text, overrides);
  BOOST_TEST_REQUIRE(loaded.problems == "");
  BOOST_TEST_REQUIRE(loaded.pipelines.size() == 1u);
  BOOST_TEST(loaded.pipelines[0].name == "b");
  overrides.name = "c";
  BOOST_TEST(load(text, overrides).problems == "m.yaml: there is no pipeline 'c' in this file; it has a, b");
}

BOOST_AUTO_TEST_CASE(what_looks_like_endless_documents_ends) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "---\npipeline: p\n";
  BOOST_TEST(load(text).problems == "m.yaml:4:1: there are more than 100 documents, or this is not YAML");
  BOOST_TEST(load(",n\r\0te(file,--flag |  |y 'a'[ --pt").problems != "");
}

BOOST_AUTO_TEST_CASE(aliases_that_blow_up_are_refused) {
  std::string text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c < 'i'; ++c) {
    const std::string before(1, static_cast<char>(c - 1));
    text += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 10; ++i) text += (i == 0 ? "*" : ", *") + before;
    text += "]\n";
  }
  BOOST_TEST(load(text).problems.find("too large") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
