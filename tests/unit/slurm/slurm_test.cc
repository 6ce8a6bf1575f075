#include <boost/test/unit_test.hpp>

#include "supervisor/drain_watch.h"
#include "supervisor/slurm/nodes.h"
#include "supervisor/slurm/script.h"

namespace stream::slurm {
namespace {

constexpr std::uint64_t kMiB = 1U << 20;
constexpr Microseconds kSecond = 1'000'000;

BOOST_AUTO_TEST_SUITE(slurm)

Batch simple() {
  Batch batch{.job = "counts", .instances = 5, .memory_bytes = 512 * kMiB, .program = "/usr/bin/stream"};
  batch.run = {"run", "/data/counts.yaml", "-p", "where=n > 1"};
  batch.home = "/home/u/x";
  batch.output = "stream-counts-%j.out";
  return batch;
}

bool has(const Batch& batch, const std::string& line) {
  return ("\n" + script(batch)).find("\n" + line + "\n") != std::string::npos;
}

BOOST_AUTO_TEST_CASE(names_and_addresses_of_nodes_are_read) {
  const std::string text =
      "NodeName=n1 Arch=x86_64 CoresPerSocket=1 AvailableFeatures=a,b ActiveFeatures=gpu,fast Gres=(null) "
      "NodeAddr=10.0.0.1 NodeHostName=n1 Port=0 OS=Linux 6.1 #1 SMP Reason=NodeAddr=evil [root@x]\n"
      "NodeName=n2 ActiveFeatures=(null) NodeAddr=n2.cluster NodeHostName=n2\n\n";
  const auto nodes = parse_nodes(text);
  BOOST_REQUIRE(nodes.ok());
  BOOST_REQUIRE(nodes->size() == 2);
  BOOST_CHECK((nodes->at(0) == Node{"n1", "10.0.0.1", {"gpu", "fast"}}));
  BOOST_CHECK((nodes->at(1) == Node{"n2", "n2.cluster", {}}));
  BOOST_TEST(!parse_nodes("slurm_load_node error: Invalid node name\n").ok());
}

BOOST_AUTO_TEST_CASE(nodes_are_drained_that_are_or_will_be) {
  BOOST_TEST((DrainWatch::drained_of({"n1 mixed", "n2 draining", "n3 drained*", "n4 down"}) ==
              std::set<std::string>{"n2", "n3"}));
}

BOOST_AUTO_TEST_CASE(what_is_not_said_follows_from_the_job) {
  Batch batch = simple();
  batch.asked.nodes_least = 2;
  batch.asked.nodes_most = 4;
  BOOST_TEST(has(batch, "#SBATCH --nodes=2-4"));
  BOOST_TEST(has(batch, "#SBATCH --cpus-per-task=3"));  // five instances on two nodes
  BOOST_TEST(has(batch, "#SBATCH --mem=1792M"));
  BOOST_TEST(has(batch, "#SBATCH --signal=B:USR1@120"));
  BOOST_TEST(script(batch).find("--time") == std::string::npos);
  BOOST_TEST(script(batch).find("--partition") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_is_said_is_asked_for) {
  Batch batch = simple();
  batch.asked = {.nodes_least = 3, .nodes_most = 3, .partition = "short", .account = "lab", .time = 93'784 * kSecond};
  batch.asked.cpus = 7;
  batch.asked.memory_bytes = 3 * kMiB + 1;
  batch.asked.grace = 60 * kSecond;
  batch.asked.options = {"--qos=high", "--mem=9M"};
  for (const char* option : {"nodes=3", "partition=short", "account=lab", "time=1-02:03:04", "cpus-per-task=7",
                             "mem=4M", "signal=B:USR1@60", "qos=high", "job-name=stream-counts"})
    BOOST_TEST(has(batch, std::string("#SBATCH --") + option));
  const std::string text = script(batch);
  BOOST_TEST(text.find("--mem=9M") > text.find("--mem=4M"));  // the last one holds
}

BOOST_AUTO_TEST_CASE(the_job_is_run_as_it_was_given) {
  Batch batch = simple();
  BOOST_TEST(has(batch, "  /usr/bin/stream run /data/counts.yaml -p 'where=n > 1' &"));
  BOOST_TEST(script(batch).find("fresh") == std::string::npos);
  batch.fresh = true;
  BOOST_TEST(has(batch, "  /usr/bin/stream run /data/counts.yaml -p 'where=n > 1' $fresh &"));
}

BOOST_AUTO_TEST_CASE(at_its_limit_it_stops_or_is_requeued) {
  Batch batch = simple();
  BOOST_TEST(has(batch, "  /usr/bin/stream stop counts || return"));
  BOOST_TEST(script(batch).find("  scontrol requeue") == std::string::npos);
  batch.asked.requeue_at_limit = true;
  BOOST_TEST(has(batch, "  scontrol requeue \"$SLURM_JOB_ID\""));
}

BOOST_AUTO_TEST_CASE(more_nodes_are_asked_for_as_those_there_are) {
  SlurmSpec spec{
      .nodes_least = 1, .nodes_most = 3, .time = 60 * kSecond, .options = {"--qos=high", "--requeue", "--exclude=n9"}};
  const Environment environment = {{"SLURM_JOB_ID", "7"},
                                   {"SLURM_CONF", "/etc/x"},
                                   {"PATH", "/bin"},
                                   {"SLURM_JOB_NODELIST", "n[1-2]"},
                                   {"SLURM_NNODES", "2"},
                                   {"SRUN_CPUS_PER_TASK", "2"},
                                   {"SLURM_CPUS_PER_TASK", "2"},
                                   {"SLURM_MEM_PER_NODE", "9"},
                                   {"SLURM_JOB_PARTITION", "p"}};
  const std::vector<std::string> expected = {"env",
                                             "--unset=SLURM_CPUS_PER_TASK",
                                             "--unset=SLURM_JOB_ID",
                                             "--unset=SLURM_JOB_NODELIST",
                                             "--unset=SLURM_JOB_PARTITION",
                                             "--unset=SLURM_MEM_PER_NODE",
                                             "--unset=SLURM_NNODES",
                                             "--unset=SRUN_CPUS_PER_TASK",
                                             "srun",
                                             "--quiet",
                                             "--qos=high",
                                             "--exclude=n[1-2],n9",
                                             "--nodes=1",
                                             "--ntasks=1",
                                             "--job-name=stream-counts-more-7",
                                             "--partition=p",
                                             "--cpus-per-task=2",
                                             "--mem=9",
                                             "--time=0-00:01:00",
                                             "sh",
                                             "-c",
                                             "\"$0\"; exec scancel --quiet \"$SLURM_JOB_ID\""};
  BOOST_TEST(own_job("counts", spec, environment) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(who_waits_for_more_nodes_leaves_the_queue_with_the_job) {
  Batch batch = simple();
  BOOST_TEST(script(batch).find("scancel") == std::string::npos);
  batch.asked.nodes_most = 2;
  const std::string leave = "scancel --quiet --me --name=stream-counts-more-\"$SLURM_JOB_ID\"";
  BOOST_TEST(has(batch, "  " + leave));
  BOOST_TEST(has(batch, leave + "\nexit \"$code\""));
}

BOOST_AUTO_TEST_CASE(instances_that_come_with_more_nodes_are_spread_over_all) {
  Batch batch = simple();
  batch.asked.nodes_most = 3;
  batch.instances = 2;
  batch.instances_more = 10;
  BOOST_TEST(has(batch, "#SBATCH --cpus-per-task=4"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace stream::slurm
