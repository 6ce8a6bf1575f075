#include "stages/read-file/read_file.h"

#include <poll.h>
#include <unistd.h>

#include "stages/read-file/object_files.h"
#include "stages/read-file/sample.h"
#include "stages/read-file/splits.h"

namespace stream {
namespace {

constexpr Microseconds kLookForObjectsEvery = 5'000'000;  // whoever keeps them wants to be paid for it
constexpr Microseconds kLookEvery = 1'000'000;
constexpr Microseconds kLookEveryUnwatched = 250'000;
constexpr Microseconds kLookEverySpooled = 10'000;  // somebody may be typing

bool readable(int fd) {
  pollfd descriptor{fd, POLLIN, 0};
  return ::poll(&descriptor, 1, 0) > 0;
}

// What planning has read, then the descriptor itself.
class SampledReader final : public ByteReader {
 public:
  SampledReader(std::string_view sampled, std::size_t& left) : sampled_(sampled), left_(left) {
    left_ = sampled_.size();
  }

  Result<std::size_t> read(char* to, std::size_t size) override {
    if (left_ == 0) return rest_->read(to, size);
    const std::size_t count = sampled_.copy(to, size, sampled_.size() - left_);
    left_ -= count;
    return count;
  }

 private:
  std::string_view sampled_;
  std::size_t& left_;
  std::unique_ptr<ByteReader> rest_ = file_reader(::dup(0), "standard input");
};

}  // namespace

ReadFile::ReadFile(Context& context, Setup setup)
    : context_(context),
      setup_(std::move(setup)),
      input_(input_files_of(setup_.path)),
      table_(context.state, setup_.format.format),
      batch_(setup_.wanted) {}

Status ReadFile::on_restored() {
  restored_ = table_.load();
  return {};
}

Status ReadFile::report_bad(const std::string& path, BadInput bad) {
  // Decoding that began further back does not know its line, but always its byte.
  const std::string position =
      bad.line != 0 ? path + ":" + std::to_string(bad.line) : path + ":@" + std::to_string(bad.offset);
  return out_->bad_record({std::move(bad.reason), position, std::move(bad.text)});
}

Status ReadFile::report_lost(const Position& position) {
  return out_->bad_record({"the file that was read up to here is gone; what it held behind is lost",
                           position.path + ":@" + std::to_string(position.offset), ""});
}

Result<std::unique_ptr<Decoder>> ReadFile::make_decoder_at(const std::string& path, InputFile* file,
                                                           std::uint64_t offset) {
  DecoderSetup setup{setup_.format, setup_.declared, setup_.wanted,
                     [this, path](BadInput bad) { return report_bad(path, std::move(bad)); }};
  STREAM_ASSIGN(auto decoder, make_decoder(std::move(setup)));
  if (offset == 0 || file == nullptr) return decoder;
  std::string head;
  const bool names = setup_.format.format == Format::kCsv && setup_.format.header;
  if (names || setup_.format.format == Format::kAvro) { STREAM_ASSIGN(head, read_beginning(*file, kFileHeaderMax)); }
  Status status = decoder->start_at(offset, head);
  if (!status.ok()) return std::move(status).while_doing("unable to read '" + path + "'");
  return decoder;
}

Status ReadFile::start() {
  started_ = true;
  const MakeDecoder maker = [this](const std::string& path, InputFile& file, std::uint64_t offset) {
    return make_decoder_at(path, &file, offset);
  };
  if (setup_.path == "-") return context_.supervised ? start_spooled(maker) : start_stdin();
  if (setup_.follow && !follows_objects()) {
    watch_ = std::make_unique<FolderWatch>(folder_of(setup_.path));
    followed_ = std::make_unique<FollowedFiles>(input_, context_.clock, setup_.path, maker,
                                                [this](const Position& position) { return report_lost(position); });
    if (restored_) STREAM_TRY(followed_->restore(*restored_));
    return followed_->look();
  }
  bounded_ = std::make_unique<BoundedFiles>(input_, maker, setup_.format.format);
  if (follows_objects()) {
    if (restored_) STREAM_TRY(bounded_->resume(*std::move(restored_), setup_.path));
    return look_for_objects();
  }
  if (!restored_) {
    STREAM_ASSIGN(std::vector<Position> splits, own_splits());
    bounded_->start(std::move(splits));
    return {};
  }
  STREAM_TRY(bounded_->resume(*std::move(restored_), setup_.path));
  if (!table_.of_another_path(context_.options.text("path"))) return {};
  STREAM_ASSIGN(std::vector<Position> splits, own_splits());
  bounded_->add(std::move(splits));
  return {};
}

// Objects are whole when they can be seen, and never grow: to follow them is to find new ones.
bool ReadFile::follows_objects() const { return setup_.follow && is_object_url(setup_.path); }

Status ReadFile::look_for_objects() {
  looked_at_ = context_.clock.monotonic_us();
  STREAM_ASSIGN(std::vector<std::string> paths, input_.expand(setup_.path));
  bounded_->forget_all_but(paths);
  for (const Position& split : bounded_->positions()) looked_into_.insert(split.path);
  std::erase_if(looked_into_, [&](const std::string& path) { return !std::ranges::binary_search(paths, path); });
  std::erase_if(paths, [&](const std::string& path) { return looked_into_.contains(path); });
  STREAM_ASSIGN(std::vector<Position> splits, cut_into_splits(input_, paths, setup_.format.format, setup_.split_size));
  looked_into_.insert(paths.begin(), paths.end());
  keep_own(splits);
  bounded_->add(std::move(splits));
  return {};
}

void ReadFile::keep_own(std::vector<Position>& splits) const {
  std::erase_if(splits,
                [&](const Position& split) { return split_owner(split, context_.parallelism) != context_.instance; });
}

Result<std::vector<Position>> ReadFile::own_splits() {
  STREAM_ASSIGN(std::vector<Position> splits,
                enumerate_splits(input_, setup_.path, setup_.format.format, setup_.split_size));
  keep_own(splits);
  return splits;
}

Status ReadFile::start_stdin() {
  STREAM_ASSIGN(auto decoder, make_decoder_at(std::string(kSpooledPath), nullptr, 0));
  auto bytes = std::make_unique<SampledReader>(context_.sampled, sampled_left_);
  stdin_ = std::make_unique<RecordReader>(std::move(bytes), std::move(decoder));
  return {};
}

Status ReadFile::start_spooled(const MakeDecoder& maker) {
  watch_ = std::make_unique<FolderWatch>(context_.spool);
  const auto on_lost = [this](const SpoolPosition& at, std::string reason, std::string record) {
    return out_->bad_record(
        {std::move(reason), std::string(kSpooledPath) + ":@" + std::to_string(at.offset), std::move(record)});
  };
  spooled_ = std::make_unique<SpooledInput>(input_, context_.spool, maker, on_lost);
  return spooled_->start(restored_.value_or(std::vector<Position>()));
}

Result<Source::Poll> ReadFile::poll_bounded() {
  STREAM_ASSIGN(const bool more, bounded_->read(batch_));
  if (more) return Poll::kMore;
  if (!follows_objects()) return Poll::kEnd;
  if (context_.clock.monotonic_us() - looked_at_ >= kLookForObjectsEvery) STREAM_TRY(look_for_objects());
  return bounded_->all_read() ? Poll::kIdle : Poll::kMore;
}

Result<Source::Poll> ReadFile::poll_followed() {
  const Microseconds now = context_.clock.monotonic_us();
  if (watch_->take_events() || now - looked_at_ >= idle_wait()) {
    looked_at_ = now;
    STREAM_TRY(followed_->look());
  }
  STREAM_ASSIGN(const bool more, followed_->read(batch_));
  return more ? Poll::kMore : Poll::kIdle;
}

Result<Source::Poll> ReadFile::poll_spooled() {
  watch_->take_events();  // before looking, so that what comes while looking wakes again
  STREAM_ASSIGN(const SpooledInput::State state, spooled_->read(batch_));
  if (state == SpooledInput::State::kDry) return Poll::kIdle;
  return state == SpooledInput::State::kEnd ? Poll::kEnd : Poll::kMore;
}

Result<Source::Poll> ReadFile::poll_stdin() {
  if (sampled_left_ == 0 && !readable(0)) return Poll::kIdle;
  STREAM_ASSIGN(const RecordReader::State state, stdin_->read(batch_, true, 1));
  return state == RecordReader::State::kEnd ? Poll::kEnd : Poll::kMore;
}

Result<Source::Poll> ReadFile::poll_input() {
  if (!started_) STREAM_TRY(start());
  if (stdin_ != nullptr) return poll_stdin();
  if (spooled_ != nullptr) return poll_spooled();
  return followed_ != nullptr ? poll_followed() : poll_bounded();
}

Result<Source::Poll> ReadFile::poll(Emitter& out) {
  out_ = &out;
  auto result = poll_input();
  // A bad record that ends the stage takes nothing with it that came before.
  const bool whole = result.ok() || result.status().code() == Code::kBadRecord;
  if (whole && batch_.rows() != 0) STREAM_TRY(out.emit(batch_.finish()));
  return result;
}

SplitView ReadFile::split() const {
  if (followed_ != nullptr) return {followed_->current(), followed_->unread(), false};
  if (bounded_ == nullptr) return {};
  return {bounded_->current(), static_cast<std::uint32_t>(bounded_->unread()), true};
}

bool ReadFile::split_open(std::uint64_t split) const { return followed_ == nullptr || followed_->open(split); }

int ReadFile::wake_fd() const {
  if (stdin_ != nullptr) return 0;
  return watch_ == nullptr ? -1 : watch_->fd();
}

Microseconds ReadFile::idle_wait() const {
  if (wake_fd() >= 0) return kLookEvery;
  if (follows_objects()) return kLookForObjectsEvery;
  return spooled_ != nullptr ? kLookEverySpooled : kLookEveryUnwatched;
}

SpoolPosition ReadFile::spool_position() const {
  if (spooled_ == nullptr) return {};
  const Position at = spooled_->position();
  return {static_cast<std::uint64_t>(at.begin), static_cast<std::uint64_t>(at.offset)};
}

std::optional<std::uint64_t> ReadFile::pending_records() {
  if (followed_ != nullptr) return followed_->pending();
  return bounded_ == nullptr ? std::nullopt : bounded_->pending();
}

Status ReadFile::before_snapshot() {
  if (!started_ && setup_.path != "-") {
    // A checkpoint before the first poll(): which splits there are must already be fixed.
    if (setup_.follow) return {};
    STREAM_TRY(start());
  }
  if (bounded_ != nullptr) {
    table_.store(bounded_->positions());
    table_.store_path(context_.options.text("path"));
  }
  if (spooled_ != nullptr) table_.store({spooled_->position()});
  if (followed_ == nullptr) return {};
  STREAM_ASSIGN(const std::vector<Position> positions, followed_->positions());
  table_.store(positions);
  return {};
}

}  // namespace stream
