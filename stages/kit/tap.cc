#include "stages/kit/tap.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "stages/expression/expression.h"
#include "stages/format/encoder.h"
#include "stages/kit/unix_socket.h"
#include "transport/base/json_fields.h"

namespace stream {
namespace {

constexpr std::size_t kPointsMax = 16;           // of one instance
constexpr std::size_t kPendingMax = 256 * 1024;  // bytes that wait for a reader
constexpr Microseconds kShare = 20;              // a tap takes 1/20 of the time
constexpr Microseconds kAllowanceMax = 10'000;   // saved up while little passes
constexpr std::size_t kRowsAtOnce = 256;         // between two looks at the clock

}  // namespace

// One reader.
class TapPoint {
 public:
  TapPoint(int fd, const Clock& clock) : fd_(fd), clock_(clock), since_(clock.monotonic_us()) {}
  ~TapPoint() { ::close(fd_); }
  TapPoint(const TapPoint&) = delete;
  TapPoint& operator=(const TapPoint&) = delete;

  std::size_t output = 0;
  std::vector<Expression> where = {};
  std::unique_ptr<Encoder> encoder = {};
  bool over = false;  // nobody reads

  void line(char kind, std::string_view text) {
    pending_ += kind;
    pending_ += text;
    pending_ += '\n';
  }

  void see(const Batch& batch) {
    const Microseconds began = clock_.monotonic_us();
    allowance_ = std::min(kAllowanceMax, allowance_ + (began - since_) / kShare);
    since_ = began;
    std::size_t row = 0;
    for (; row < batch.rows && pending_.size() < kPendingMax; row += kRowsAtOnce) {
      if (clock_.monotonic_us() - began >= allowance_) break;
      encode(batch.slice(row, std::min(batch.rows, row + kRowsAtOnce)));
    }
    allowance_ -= std::min(allowance_, clock_.monotonic_us() - began);
    if (row < batch.rows) unseen_ += batch.rows - row;
    flush();
  }

  void flush() {
    if (pending_.empty()) tell_unseen();
    while (!pending_.empty()) {
      const ssize_t n = ::send(fd_, pending_.data(), pending_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        over = errno != EAGAIN && errno != EWOULDBLOCK;
        return;
      }
      pending_.erase(0, static_cast<std::size_t>(n));
      if (pending_.empty()) tell_unseen();
    }
    char nothing = 0;  // a reader that has gone shows though no row passes
    over = ::recv(fd_, &nothing, 1, MSG_DONTWAIT) == 0;
  }

 private:
  // In the place of the rows.
  void tell_unseen() {
    if (unseen_ > 0) line('D', std::to_string(std::exchange(unseen_, 0)));
  }

  void encode(Batch rows) {
    for (const Expression& condition : where) {
      std::vector<std::uint32_t> positions;
      std::vector<RowError> ignored;  // what cannot be computed is not true
      condition.select(rows, &positions, &ignored);
      if (positions.size() < rows.rows) rows = rows.take(positions);
    }
    if (rows.rows == 0) return;
    tell_unseen();
    encoder->encode(rows, bytes_);
    const Buffer text = bytes_.finish();
    std::string_view rest(reinterpret_cast<const char*>(text.data()), text.size());
    for (std::size_t end = 0; (end = rest.find('\n')) != std::string_view::npos; rest.remove_prefix(end + 1)) {
      line('R', rest.substr(0, end));
    }
  }

  int fd_;
  const Clock& clock_;
  Microseconds since_;
  Microseconds allowance_ = kAllowanceMax;
  std::uint64_t unseen_ = 0;
  std::string pending_;
  ByteBuilder bytes_;
};

namespace {

Status prepare(TapPoint& point, const nlohmann::json& request, const std::vector<Taps::Output>& outputs) {
  const std::string name = text_at(request, "output");
  const auto output = std::ranges::find(outputs, name, &Taps::Output::name);
  if (output == outputs.end()) return usage_error("there is no output '" + name + "'");
  if (output->schema == nullptr || (name != "out" && !output->connected)) {
    return usage_error("nothing reads the output '" + name + "', so that no rows are made for it");
  }
  point.output = static_cast<std::size_t>(output - outputs.begin());
  for (const std::string& text : texts_at(request, "where")) {
    ExpressionError error;
    const auto condition = Expression::compile(text, *output->schema, &error);
    if (!condition) return usage_error(error.message + (error.hint.empty() ? "" : "; " + error.hint));
    if (condition->type() != kBoolean) return usage_error("'" + text + "' is no condition");
    point.where.push_back(*condition);
  }
  EncoderOptions options;
  options.row_kinds = output->schema->changelog != Changelog::kAppend;
  point.encoder = make_encoder(options, output->schema);
  return {};
}

}  // namespace

Taps::Taps(std::string instance, const Clock& clock) : instance_(std::move(instance)), clock_(clock) {}
Taps::~Taps() { flush(); }

void Taps::open(std::string_view text, const std::vector<Output>& outputs) {
  const nlohmann::json request = nlohmann::json::parse(text, nullptr, false);
  if (!request.is_object() || points_.size() >= kPointsMax) return;
  const int fd = connect_to_unix(text_at(request, "socket"));
  if (fd < 0) return;
  auto point = std::make_unique<TapPoint>(fd, clock_);
  point->line('H', nlohmann::json{{"instance", instance_}}.dump());
  const Status ready = prepare(*point, request, outputs);
  if (!ready.ok()) point->line('E', ready.what());
  point->flush();
  if (ready.ok()) points_.push_back(std::move(point));
}

void Taps::see(std::size_t output, const Batch& batch) {
  for (const auto& point : points_) {
    if (point->output == output) point->see(batch);
  }
}

void Taps::flush() {
  for (const auto& point : points_) point->flush();
  std::erase_if(points_, [](const auto& point) { return point->over; });
}

}  // namespace stream
