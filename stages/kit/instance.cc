#include "stages/kit/instance.h"

#include <algorithm>

#include "stages/expression/select_list.h"
#include "stages/kit/option_table.h"

namespace stream {
namespace {

constexpr std::uint64_t kChannelBudgetMax = 4 << 20;

Result<Spread> parse_spread(const std::string& text) {
  if (text == "forward") return Spread::kForward;
  if (text == "hash") return Spread::kHash;
  if (text == "rebalance") return Spread::kRebalance;
  if (text == "broadcast") return Spread::kBroadcast;
  return corrupt("assignment: unknown partitioning '" + text + "'");
}

Result<std::vector<std::size_t>> find_columns(const Schema& schema, const std::vector<std::string>& names) {
  std::vector<std::size_t> columns;
  for (const std::string& name : names) {
    const auto at = schema.find(name);
    if (!at) return corrupt("assignment: no column '" + name + "'");
    columns.push_back(*at);
  }
  return columns;
}

Result<OutputEdge::Config> edge_config(const EdgeAssignment& edge, const Schema& output, std::uint32_t key_groups) {
  OutputEdge::Config config;
  config.to = edge.to;
  config.key_groups = key_groups;
  STREAM_ASSIGN(config.spread, parse_spread(edge.spread));
  STREAM_ASSIGN(config.schema, shared_schema(edge.schema));
  STREAM_ASSIGN(config.columns, find_columns(output, config.schema->names()));
  STREAM_ASSIGN(config.hash_columns, find_columns(*config.schema, edge.hash_columns));
  if (edge.where.empty()) return config;
  ExpressionError error;
  const auto where = Expression::compile(edge.where, output, &error);
  if (!where) return corrupt("assignment: condition '" + edge.where + "': " + error.message);
  config.where = *where;
  return config;
}

std::uint32_t attempt_of(const Assignment& assignment, const ChannelAssignment& channel) {
  return channel.attempt != 0 ? channel.attempt : assignment.attempt;
}

ChannelIdentity identity_of(const Assignment& assignment, const RunId& run, const ChannelAssignment& channel) {
  return {run, Attempt(attempt_of(assignment, channel)), ChannelId(channel.id), channel.peer};
}

std::size_t channel_count(const Assignment& assignment) {
  std::size_t count = 0;
  for (const OutputAssignment& output : assignment.outputs) {
    for (const EdgeAssignment& edge : output.edges) count += edge.channels.size();
  }
  return count;
}

}  // namespace

namespace {

// Where a text cannot be read planning has said so.
void add_named_items(const std::vector<SelectItem>& items, std::vector<std::string>& names) {
  for (const SelectItem& item : items) {
    if (!item.name.empty()) {
      names.push_back(item.name);
      continue;
    }
    const SelectText text{"", item.text};
    for (const SelectText& one : split_select({&text, 1}, nullptr).value_or(std::vector<SelectText>())) {
      names.push_back(one.name);
    }
  }
}

// Of "shop.customer" the output is `customer`.
void add_last_parts(const std::vector<std::string>& items, std::vector<std::string>& names) {
  for (const std::string& item : items) names.push_back(item.substr(item.rfind('.') + 1));
}

}  // namespace

std::vector<std::string> output_names(const StageProgram& program, const Values& values) {
  std::vector<std::string> names = {"out"};
  for (const std::string_view name : program.outputs) names.emplace_back(name);
  const Option* option = find_option(program.options, program.outputs_option);
  if (option != nullptr && option->kind == OptionKind::kSelect) add_named_items(values.select(option->name), names);
  if (option != nullptr && option->kind == OptionKind::kColumns) add_last_parts(values.list(option->name), names);
  names.emplace_back("errors");
  return names;
}

OnError on_error_policy(const Values& values, bool supervised) {
  const std::string policy = values.has("on-error") ? values.text("on-error") : supervised ? "dead-letter" : "fail";
  if (policy == "skip") return OnError::kSkip;
  return policy == "fail" ? OnError::kFail : OnError::kDeadLetter;
}

Result<StageObject> make_stage(const StageProgram& program, Context& context) {
  StageObject stage;
  switch (program.kind) {
    case StageKind::kSource: {
      STREAM_ASSIGN(stage.source, program.make_source(context));
      break;
    }
    case StageKind::kOperator: {
      STREAM_ASSIGN(stage.op, program.make_operator(context));
      break;
    }
    case StageKind::kSink: {
      STREAM_ASSIGN(stage.sink, program.make_sink(context));
      break;
    }
  }
  return stage;
}

Result<SchemaPtr> shared_schema(const std::string& json) {
  STREAM_ASSIGN(Schema schema, schema_from_json(json));
  return std::make_shared<const Schema>(std::move(schema));
}

namespace {

Result<Receiver> bind_input(Transport& transport, const Assignment& assignment, const SchemaPtr& schema,
                            const ChannelAssignment& channel, std::map<std::string, std::string>* endpoints) {
  STREAM_ASSIGN(const RunId run, parse_run_id(assignment.run));
  const std::string endpoint = channel.far ? any_port(assignment.address)
                                           : "ipc://" + assignment.sockets + "/" +
                                                 std::to_string(attempt_of(assignment, channel)) + "-" +
                                                 std::to_string(channel.id);
  STREAM_ASSIGN(Receiver receiver, Receiver::bind(transport, endpoint, identity_of(assignment, run, channel)));
  receiver.expect(schema);
  (*endpoints)[std::to_string(channel.id)] = receiver.endpoint();
  return receiver;
}

Result<std::vector<Sender>> connect_edge(Transport& transport, const Assignment& assignment, const EdgeAssignment& edge,
                                         const Schema& schema, const std::map<std::string, std::string>& endpoints) {
  STREAM_ASSIGN(const RunId run, parse_run_id(assignment.run));
  const std::uint64_t share = assignment.memory_bytes / 8 / std::max<std::size_t>(1, channel_count(assignment));
  std::vector<Sender> senders;
  for (const ChannelAssignment& channel : edge.channels) {
    const auto endpoint = endpoints.find(std::to_string(channel.id));
    if (endpoint == endpoints.end()) return corrupt("control: no endpoint for channel " + std::to_string(channel.id));
    STREAM_ASSIGN(Sender sender, Sender::connect(transport, endpoint->second, identity_of(assignment, run, channel),
                                                 std::min(share, kChannelBudgetMax)));
    STREAM_TRY(sender.open(schema, system_clock().wall_us()));
    senders.push_back(std::move(sender));
  }
  return senders;
}

// Calls `visit` with each edge of the assignment, the schema of its output, and the output's number.
template <class Visit>
Status for_each_edge(const std::vector<std::string>& names, const Assignment& assignment, Visit&& visit) {
  for (const OutputAssignment& output : assignment.outputs) {
    const auto at = std::ranges::find(names, output.name);
    if (at == names.end()) return corrupt("assignment: no output '" + output.name + "'");
    if (output.edges.empty()) continue;
    STREAM_ASSIGN(const SchemaPtr schema, shared_schema(output.schema));
    for (const EdgeAssignment& edge : output.edges)
      STREAM_TRY(visit(static_cast<std::size_t>(at - names.begin()), edge, *schema));
  }
  return {};
}

// The same, with the edge there is.
template <class Visit>
Status for_each_edge(const std::vector<std::string>& names, const Assignment& assignment, Outputs& outputs,
                     Visit&& visit) {
  std::vector<std::size_t> next(names.size(), 0);
  return for_each_edge(names, assignment, [&](std::size_t output, const EdgeAssignment& edge, const Schema& schema) {
    if (next[output] == outputs.edges(output).size()) return corrupt("control: 'rewire' has other edges");
    return visit(outputs.edges(output)[next[output]++], edge, schema);
  });
}

bool same_channels(OutputEdge& there, const EdgeAssignment& wanted) {
  return std::ranges::equal(there.channels(), wanted.channels, [](OutputChannel& channel, const ChannelAssignment& w) {
    return channel.sender().identity().channel == ChannelId(w.id);
  });
}

}  // namespace

Result<std::vector<Receiver>> bind_inputs(Transport& transport, const Assignment& assignment,
                                          std::map<std::string, std::string>* endpoints) {
  std::vector<Receiver> receivers;
  for (const InputAssignment& input : assignment.inputs) {
    STREAM_ASSIGN(const SchemaPtr schema, shared_schema(input.schema));
    for (const ChannelAssignment& channel : input.channels) {
      STREAM_ASSIGN(Receiver receiver, bind_input(transport, assignment, schema, channel, endpoints));
      receivers.push_back(std::move(receiver));
    }
  }
  return receivers;
}

std::vector<std::size_t> input_of_channels(const Assignment& assignment) {
  std::vector<std::size_t> out;
  for (std::size_t input = 0; input < assignment.inputs.size(); ++input) {
    out.insert(out.end(), assignment.inputs[input].channels.size(), input);
  }
  return out;
}

Result<Outputs> connect_outputs(Transport& transport, const std::vector<std::string>& names,
                                const Assignment& assignment, const std::map<std::string, std::string>& endpoints) {
  std::vector<std::vector<OutputEdge>> edges(names.size());
  STREAM_TRY(
      for_each_edge(names, assignment, [&](std::size_t output, const EdgeAssignment& edge, const Schema& schema) {
        STREAM_ASSIGN(OutputEdge::Config config, edge_config(edge, schema, assignment.key_groups));
        STREAM_ASSIGN(auto senders, connect_edge(transport, assignment, edge, *config.schema, endpoints));
        edges[output].emplace_back(std::move(config), std::move(senders));
        return Status();
      }));
  return Outputs(std::move(edges));
}

Result<std::vector<RunLoop::InputPlace>> rebind_inputs(Transport& transport, const Assignment& assignment,
                                                       std::vector<Receiver>& inputs,
                                                       std::map<std::string, std::string>* endpoints) {
  std::vector<RunLoop::InputPlace> places;
  for (std::size_t input = 0; input < assignment.inputs.size(); ++input) {
    STREAM_ASSIGN(const SchemaPtr schema, shared_schema(assignment.inputs[input].schema));
    for (const ChannelAssignment& channel : assignment.inputs[input].channels) {
      const auto same = [&](const Receiver& there) { return there.identity().channel == ChannelId(channel.id); };
      const auto there = std::ranges::find_if(inputs, same);
      RunLoop::InputPlace place{.kept = {}, .fresh = {}, .input = input};
      if (there != inputs.end()) {
        place.kept = static_cast<std::size_t>(there - inputs.begin());
      } else {
        STREAM_ASSIGN(place.fresh, bind_input(transport, assignment, schema, channel, endpoints));
      }
      places.push_back(std::move(place));
    }
  }
  return places;
}

Status detach_outputs(const std::vector<std::string>& names, const Assignment& assignment, Outputs& outputs) {
  return for_each_edge(names, assignment, outputs, [&](OutputEdge& there, const EdgeAssignment& edge, const Schema&) {
    if (same_channels(there, edge)) return Status();
    if (!there.held()) return corrupt("control: 'rewire' of the channels to '" + edge.to + "', which are not held");
    there.detach();
    return Status();
  });
}

Status attach_outputs(Transport& transport, const std::vector<std::string>& names, const Assignment& assignment,
                      const std::map<std::string, std::string>& endpoints, Outputs& outputs) {
  const auto attach = [&](OutputEdge& there, const EdgeAssignment& edge, const Schema& schema) -> Status {
    if (same_channels(there, edge)) return {};
    STREAM_ASSIGN(OutputEdge::Config config, edge_config(edge, schema, assignment.key_groups));
    STREAM_ASSIGN(auto senders, connect_edge(transport, assignment, edge, *config.schema, endpoints));
    there.attach(std::move(config), std::move(senders));
    return {};
  };
  return for_each_edge(names, assignment, outputs, attach);
}

}  // namespace stream
