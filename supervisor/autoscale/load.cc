#include "supervisor/autoscale/load.h"

#include <algorithm>

namespace stream::autoscale {
namespace {

// A stage that does next to nothing could take any number of rows.
constexpr double kBusyLeast = 1e-3;

struct Observed {
  StageLoad load;
  double seconds = 0;    // in which this was, mean of its instances
  double held_back = 0;  // share of the time, mean of its instances
};

double difference(std::uint64_t now, std::uint64_t before) {
  return now < before ? 0 : static_cast<double>(now - before);
}

Observed observe(const StageCount& first, const StageCount& last, bool source) {
  Observed out;
  const std::size_t instances = last.instances.size();
  if (instances == 0 || first.instances.size() != instances) return out;
  for (std::size_t i = 0; i < instances; ++i) {
    const InstanceCount& now = last.instances[i];
    const InstanceCount& before = first.instances[i];
    const Microseconds elapsed = now.total_us - before.total_us;
    if (elapsed <= 0) return Observed();
    const auto time = static_cast<double>(elapsed);
    const double idle = static_cast<double>(now.idle_us - before.idle_us) / time;
    const double held_back = static_cast<double>(now.backpressured_us - before.backpressured_us) / time;
    out.seconds += time / 1e6 / static_cast<double>(instances);
    out.load.busy = std::max(out.load.busy, std::clamp(1 - idle - held_back, 0.0, 1.0));
    out.held_back += std::clamp(held_back, 0.0, 1.0) / static_cast<double>(instances);
    out.load.out_rate += difference(now.records_out, before.records_out) * 1e6 / time;
    out.load.rate += difference(now.records_in, before.records_in) * 1e6 / time;
  }
  if (source) out.load.rate = out.load.out_rate;
  out.load.backlog = last.backlog;
  // One that has been busy all the time with its first row tells nothing of how fast it is.
  out.load.known = out.load.rate > 0 || out.load.busy < 0.5;
  out.load.true_rate = out.load.rate / std::max(out.load.busy, kBusyLeast);
  return out;
}

void want_of_source(StageLoad& load, const Observed& seen, const StageCount& first, const Settings& settings) {
  if (!load.backlog || !first.backlog || seen.seconds <= 0) {
    load.demand = load.rate / std::max(1 - seen.held_back, kBusyLeast);
    return;
  }
  load.demand = std::max(0.0, load.rate + (*load.backlog - *first.backlog) / seen.seconds);
  load.catch_up = *load.backlog * 1e6 / static_cast<double>(std::max<Microseconds>(1, settings.catch_up_duration));
}

// What comes to a stage: more than it takes, as long as rows pile up on the way. Of those that several read it is not
// known how much each of them is sent.
double arrivals(const Graph& graph, std::size_t at, const std::vector<StageLoad>& loads) {
  double sent = 0;
  for (const Edge& edge : graph.edges) {
    if (edge.to != at) continue;
    const auto of_sender = [&](const Edge& other) { return other.from == edge.from; };
    if (std::ranges::count_if(graph.edges, of_sender) > 1) return loads[at].rate;
    sent += loads[edge.from].out_rate;
  }
  return std::max(sent, loads[at].rate);
}

// What is wanted of those it reads from, as against what they do, by what each of them sends.
void want_of_reader(const Graph& graph, std::size_t at, std::vector<StageLoad>& loads) {
  double sent = 0;
  double demand = 0;
  double catch_up = 0;
  for (const Edge& edge : graph.edges) {
    const StageLoad& from = loads[edge.from];
    if (edge.to != at || from.rate <= 0) continue;
    sent += from.out_rate;
    demand += from.out_rate * from.demand / from.rate;
    catch_up += from.out_rate * from.catch_up / from.rate;
  }
  StageLoad& load = loads[at];
  const double comes = arrivals(graph, at, loads);
  load.demand = sent > 0 ? comes * demand / sent : comes;
  load.catch_up = sent > 0 ? comes * catch_up / sent : 0;
}

}  // namespace

std::vector<StageLoad> measure(const Graph& graph, const Sample& first, const Sample& last, const Settings& settings) {
  std::vector<StageLoad> loads(graph.stages.size());
  for (const std::size_t at : graph.order) {
    if (at >= first.stages.size() || at >= last.stages.size()) continue;
    const bool source = graph.stages[at].source;
    const Observed seen = observe(first.stages[at], last.stages[at], source);
    loads[at] = seen.load;
    if (source)
      want_of_source(loads[at], seen, first.stages[at], settings);
    else
      want_of_reader(graph, at, loads);
  }
  return loads;
}

}  // namespace stream::autoscale
