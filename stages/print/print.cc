#include "stages/print/print.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace stream {
namespace {

constexpr std::size_t kWriteAt = 64 * 1024;
constexpr Microseconds kWriteAfter = 50'000;

OutputFormat output_format(const std::string& name) {
  if (name == "ndjson") return OutputFormat::kNdjson;
  if (name == "csv") return OutputFormat::kCsv;
  if (name == "table") return OutputFormat::kTable;
  return ::isatty(1) != 0 ? OutputFormat::kTable : OutputFormat::kNdjson;
}

std::size_t terminal_width() {
  winsize size{};
  return ::ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 0;
}

}  // namespace

PlanAnswer plan_print(const PlanRequest& request) {
  PlanAnswer answer;
  answer.cacheable = true;
  InputPlan input;
  for (const Field& field : request.inputs[0].schema.fields) input.needs.push_back(field.name);
  answer.inputs.push_back(std::move(input));
  answer.exactly_once = false;
  answer.visible = "at once";
  answer.parallelism_max = 1;
  answer.parallelism_why = "there is one standard output";
  return answer;
}

Result<std::unique_ptr<Sink>> Print::make(Context& context) {
  // A parent that ignores SIGPIPE must not keep this process from ending with its reader.
  std::signal(SIGPIPE, SIG_DFL);
  EncoderOptions options;
  options.format = output_format(context.options.text("format"));
  options.row_kinds = context.inputs[0]->changelog == Changelog::kUpdates;
  options.width = terminal_width();
  return std::unique_ptr<Sink>(std::make_unique<Print>(options, context.inputs[0], context.clock, 1));
}

Print::Print(const EncoderOptions& options, SchemaPtr schema, const Clock& clock, int fd)
    : encoder_(make_encoder(options, std::move(schema))), clock_(clock), fd_(fd) {}

Status Print::on_batch(std::size_t /*input*/, Batch batch, Emitter& /*out*/) {
  encoder_->encode(batch, out_);
  const bool due = clock_.monotonic_us() - last_write_ >= kWriteAfter;
  return due || out_.size() >= kWriteAt ? write() : Status();
}

Status Print::prepare(Epoch /*epoch*/) { return write(); }

Status Print::on_end() {
  encoder_->finish(out_);
  return write();
}

Status Print::write() {
  std::size_t done = 0;
  while (done < out_.size()) {
    const ssize_t n = ::write(fd_, out_.data() + done, out_.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {  // a terminal that somebody else made non-blocking
      pollfd writable{fd_, POLLOUT, 0};
      ::poll(&writable, 1, -1);
      continue;
    }
    if (n < 0) return system_error("write to", "standard output", errno);
    done += static_cast<std::size_t>(n);
  }
  if (done > 0) last_write_ = clock_.monotonic_us();
  out_.shrink(0);
  return {};
}

}  // namespace stream
