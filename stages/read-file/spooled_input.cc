#include "stages/read-file/spooled_input.h"

#include <algorithm>
#include <filesystem>

#include "stages/read-file/splits.h"

namespace stream {

SpooledInput::SpooledInput(InputFiles& files, std::string folder, MakeDecoder make_decoder, OnLost on_lost)
    : input_(files), folder_(std::move(folder)), make_decoder_(std::move(make_decoder)), on_lost_(std::move(on_lost)) {}

Result<std::optional<std::uint64_t>> SpooledInput::next_input(std::uint64_t at_least) {
  STREAM_ASSIGN(const auto paths, input_.expand(folder_));
  std::vector<std::string> names;
  for (const std::string& path : paths) names.push_back(std::filesystem::path(path).filename().native());
  for (const SpooledFiles& spooled : spooled_files(names)) {
    if (spooled.input >= at_least) return std::optional(spooled.input);
  }
  return std::optional<std::uint64_t>();
}

Status SpooledInput::open(const SpoolPosition& position, std::uint64_t records) {
  at_ = position;
  done_ = false;
  STREAM_ASSIGN(file_, SpoolFile::open(input_, folder_, position.input));
  STREAM_ASSIGN(auto decoder, make_decoder_(std::string(kSpooledPath), *file_, position.offset));
  decoder->skip_records(records);
  reader_ = std::make_unique<RecordReader>(range_reader(file_, position.offset, UINT64_MAX), std::move(decoder));
  return {};
}

Status SpooledInput::start(const std::vector<Position>& restored) {
  const auto row = std::ranges::find(restored, kSpooledPath, &Position::path);
  done_ = row == restored.end() || row->done;
  if (row != restored.end()) at_ = {static_cast<std::uint64_t>(row->begin), static_cast<std::uint64_t>(row->offset)};
  STREAM_ASSIGN(const auto input, next_input(done_ ? at_.input + 1 : at_.input));
  if (!done_ && input != at_.input) {
    STREAM_TRY(on_lost_(at_, "what was spooled of standard input is gone; what it held from here on is lost", ""));
  }
  if (!input) return {};
  if (*input != at_.input) return open({*input, 0});
  return open(at_, static_cast<std::uint64_t>(row == restored.end() ? 0 : row->records));
}

Position SpooledInput::position() const {
  Position position;
  position.path = kSpooledPath;
  position.begin = static_cast<std::int64_t>(at_.input);
  position.offset = static_cast<std::int64_t>(at_.offset);
  if (reader_ != nullptr) take_position(*reader_, position);
  position.done = done_;
  return position;
}

// The record that was being written when the input was cut: its rest is lost, so it is not one.
Status SpooledInput::report_cut() {
  const std::uint64_t begin = reader_->position();
  const std::uint64_t end = file_->length().bytes;
  if (begin >= end) return {};
  std::string text(std::min<std::uint64_t>(end - begin, kBadRecordTextMax), '\0');
  std::size_t held = 0;
  while (held < text.size()) {
    STREAM_ASSIGN(const std::size_t count, file_->read_at(begin + held, text.data() + held, text.size() - held));
    if (count == 0) break;
    held += count;
  }
  text.resize(held);
  return on_lost_({at_.input, begin}, "standard input was cut within this record", std::move(text));
}

Status SpooledInput::finish() {
  if (file_->length().state == SpoolState::kCut) STREAM_TRY(report_cut());
  at_.offset = file_->length().bytes;
  done_ = true;
  reader_.reset();
  file_.reset();
  STREAM_ASSIGN(const auto next, next_input(at_.input + 1));
  return next ? open({*next, 0}) : Status();
}

Result<SpooledInput::State> SpooledInput::read(BatchBuilder& batch) {
  if (reader_ == nullptr) return State::kEnd;
  if (file_->length().state == SpoolState::kOpen) STREAM_TRY(file_->refresh());
  const SpoolState state = file_->length().state;
  STREAM_ASSIGN(const RecordReader::State got, reader_->read(batch, state == SpoolState::kEnded));
  if (got == RecordReader::State::kMore) return State::kMore;
  if (got == RecordReader::State::kDry && state == SpoolState::kOpen) return State::kDry;
  STREAM_TRY(finish());
  return State::kMore;
}

}  // namespace stream
