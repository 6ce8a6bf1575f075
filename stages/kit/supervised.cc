#include "stages/kit/supervised.h"

#include <malloc.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "snapshot/state_memory.h"
#include "stages/kit/live_lookup.h"
#include "stages/kit/option_json.h"
#include "stages/kit/supervised_instance.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr Microseconds kAnswerPatience = 60'000'000;  // for the answer to `hello`, for which nobody has to work
constexpr std::string_view kKeyed = "#key";           // behind the identity: the key is in standard input

// What a supervisor on another host hands over where nobody else sees it.
std::string read_input() {
  std::string text(256, '\0');
  const ssize_t n = ::read(STDIN_FILENO, text.data(), text.size());
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

// "KEY SILENCE": of connections to other hosts, and how long one may be silent, in microseconds.
Status take_key(Transport& transport, const std::string& text) {
  const std::vector<std::string> words = split(text, ' ');
  if (words.size() != 2) return usage_error("--control is for the supervisor");
  STREAM_ASSIGN(const CurveKey secret, secret_from_text(words[0]));
  STREAM_ASSIGN(const CurveKeys keys, curve_keys(secret));
  STREAM_ASSIGN(const std::int64_t silence, parse_integer(words[1]));
  transport.encrypt_tcp(keys);
  transport.watch_tcp(silence);
  return {};
}

Result<Microseconds> watermark_of(const std::string& text) {
  Microseconds value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return corrupt("control: '" + text + "' is no watermark");
  return value;
}

}  // namespace

Result<std::string> next_message(ControlClient& control, Microseconds patience) {
  const Microseconds deadline = system_clock().monotonic_us() + patience;
  for (;;) {
    auto message = control.receive();
    if (!message.ok()) return std::move(message).status();
    if (*message) return std::move(**message);
    if (control.lost()) return Status(Code::kPeerGone, "the supervisor is gone");
    const Microseconds left = deadline - system_clock().monotonic_us();
    if (left <= 0) return Status(Code::kPeerGone, "the supervisor says nothing");
    Poller poller;
    poller.add(control.socket().handle());
    poller.add(control.socket().monitor());
    STREAM_TRY(poller.wait(left));
  }
}

void SupervisedInstance::add_to(Poller& poller) {
  poller.add(control_.socket().handle());
  poller.add(control_.socket().monitor());
  poller.add_descriptor(writer_thread_.wake_fd());
  poller.add_descriptor(merge_thread_.wake_fd());
  poller.add_descriptor(commit_thread_.wake_fd());
}

Status SupervisedInstance::serve(RunLoop& loop) {
  STREAM_TRY(writer_thread_.deliver());
  STREAM_TRY(merge_thread_.deliver());
  STREAM_TRY(commit_thread_.deliver());
  for (;;) {
    auto message = control_.receive();
    if (!message.ok()) return std::move(message).status();
    if (!*message) break;
    STREAM_ASSIGN(const Note parsed, note_from_json(**message));
    STREAM_TRY(act(loop, parsed, **message));
  }
  serve_taps(loop);
  StateMemory::look();
  const Microseconds now = system_clock().monotonic_us();
  if (now < next_stats_) return {};
  if (control_.lost()) return {Code::kPeerGone, "the supervisor is gone"};
  next_stats_ = now + assignment_.stats_every;
  tell_strangers(loop);
  if (idle_memory_.due(loop.counters().idle_us, loop.running_us())) ::malloc_trim(0);
  return send_stats(loop, now);
}

// Who has found the port of a channel, and has not the key.
void SupervisedInstance::tell_strangers(RunLoop& loop) const {
  std::size_t count = 0;
  for (Receiver& input : loop.inputs()) count += input.socket().take_refused();
  if (count == 0) return;
  std::fprintf(stderr,
               "stream-%s: warning: %zu connections to its inputs were turned away: without the key of this job\n",
               std::string(program_.name).c_str(), count);
}

Status SupervisedInstance::act(RunLoop& loop, const Note& message, const std::string& text) {
  if (message.type == "start") {
    loop.start();
  } else if (message.type == "trigger") {
    loop.set_paused(message.text == "stop");
    return loop.checkpoint(Epoch(message.epoch));
  } else if (message.type == "complete") {
    return complete(loop, Epoch(message.epoch));
  } else if (message.type == "align") {
    STREAM_ASSIGN(const Microseconds until, watermark_of(message.text));
    loop.read_until(until);
  } else if (message.type == "hold") {
    loop.hold_at(Epoch(message.epoch), message.channels, message.text == kHoldAll);
    return control_.send(to_json(note("holding", message.epoch)));
  } else if (message.type == "release") {
    loop.release();
  } else if (message.type == "rewire") {
    return rewire(loop, text);
  } else if (message.type == "connect") {
    return connect(loop, message);
  } else if (message.type == "drain") {
    return loop.drain();
  } else if (message.type == "tap") {
    open_tap(loop, message.text);
  } else if (message.type == "lookup") {
    answer_lookup(store_, message.text);
  } else if (message.type == "traced") {
    // Where the kernel has a say in it (kernel.yama.ptrace_scope 1); anywhere else this is an error, and needs nothing.
    ::prctl(PR_SET_PTRACER, message.epoch, 0, 0, 0);
  } else if (message.type == "exit") {
    loop.leave();
  } else {
    return corrupt("control: unknown message '" + message.type + "'");
  }
  return {};
}

// Neighbours have been replaced: nothing comes from the old ones any more, and nothing goes to them.
Status SupervisedInstance::rewire(RunLoop& loop, const std::string& text) {
  STREAM_ASSIGN(Rewiring wanted, rewiring_from_json(text));
  assignment_.inputs = std::move(wanted.inputs);
  assignment_.outputs = std::move(wanted.outputs);
  Note bound = note("endpoints");
  STREAM_ASSIGN(auto places, rebind_inputs(transport_, assignment_, loop.inputs(), &bound.endpoints));
  STREAM_TRY(loop.replace_inputs(std::move(places)));
  STREAM_TRY(detach_outputs(output_names(program_, values_), assignment_, loop.outputs()));
  rewiring_ = true;
  return control_.send(to_json(bound));
}

Status SupervisedInstance::connect(RunLoop& loop, const Note& message) {
  STREAM_TRY(
      attach_outputs(transport_, output_names(program_, values_), assignment_, message.endpoints, loop.outputs()));
  rewiring_ = false;
  return loop.opened() ? on_open(loop) : Status();
}

void SupervisedInstance::open_tap(RunLoop& loop, const std::string& request) {
  std::vector<Taps::Output> outputs;
  for (const std::string& name : output_names(program_, values_)) {
    const bool connected = loop.outputs().connected(outputs.size());
    outputs.push_back({name, schema_of_output(name), connected});
  }
  taps_.open(request, outputs);
  if (taps_.any()) loop.outputs().watch([this](std::size_t output, const Batch& batch) { taps_.see(output, batch); });
}

void SupervisedInstance::serve_taps(RunLoop& loop) {
  if (!taps_.any()) return;
  taps_.flush();
  if (!taps_.any()) loop.outputs().watch({});
}

SchemaPtr SupervisedInstance::schema_of_output(const std::string& name) const {
  const auto output = std::ranges::find(assignment_.outputs, name, &OutputAssignment::name);
  if (output == assignment_.outputs.end() || output->schema.empty()) return nullptr;
  auto schema = shared_schema(output->schema);
  return schema.ok() ? *schema : nullptr;
}

Status run_supervised(const StageProgram& program, const std::string& control) {
  const std::size_t mark = control.find('#');
  if (mark == std::string::npos) return usage_error("--control is for the supervisor");
  const bool keyed = control.ends_with(kKeyed);  // an identity ends in a number
  Transport transport;
  if (keyed) STREAM_TRY(take_key(transport, read_input()));
  std::string identity = control.substr(mark + 1);
  if (keyed) identity.resize(identity.size() - kKeyed.size());
  STREAM_ASSIGN(ControlClient client, ControlClient::connect(transport, control.substr(0, mark), identity));
  Note hello = note("hello", static_cast<std::uint64_t>(::getpid()), std::string(program.name));
  hello.can = {std::string(kCanRescale), std::string(kCanBeTraced)};
  STREAM_TRY(client.send(to_json(hello)));
  STREAM_ASSIGN(const std::string text, next_message(client, kAnswerPatience));
  STREAM_ASSIGN(Assignment assignment, assignment_from_json(text));
  if (!assignment.key.empty())
    STREAM_TRY(take_key(transport, std::exchange(assignment.key, {}) + " " + std::to_string(assignment.silence_us)));
  STREAM_ASSIGN(Values values, values_from_json(program.options, assignment.options));
  SupervisedInstance instance(program, std::move(assignment), std::move(values), client, transport);
  Status status = instance.run();
  if (!status.ok()) {
    Note last = note("failed", static_cast<std::uint64_t>(status.code()), status.what());
    // The connection may be what failed; the exit code tells the rest.
    if (Status sent = client.send(to_json(last)); !sent.ok()) return status;
  }
  return status;
}

}  // namespace stream
