#include "stages/write-file/one_file.h"

#include <algorithm>
#include <optional>

#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::size_t kSpillAt = 1 << 20;
constexpr std::size_t kCopyBytes = 4 << 20;
constexpr std::size_t kHeaderMax = 64 << 10;
enum Column : std::size_t { kPath, kEpoch, kBegin, kSize, kPending };

// The number in ".NAME.RUN-NUMBER.pending"; none for other names.
std::optional<std::uint64_t> number_of(const std::string& pending) {
  constexpr std::string_view kEnding = ".pending";
  const std::size_t dash = pending.rfind('-');
  if (dash == std::string::npos || !pending.ends_with(kEnding)) return std::nullopt;
  const auto number = parse_integer(pending.substr(dash + 1, pending.size() - dash - 1 - kEnding.size()));
  return number.ok() ? std::optional(static_cast<std::uint64_t>(*number)) : std::nullopt;
}

// However it is quoted and ended.
std::string first_line(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  std::string line(text.substr(0, text.find('\n')));
  std::erase_if(line, [](char c) { return c == '"' || c == '\r'; });
  return line;
}

std::string_view format_name(OutputFormat format) {
  return format == OutputFormat::kAvro ? "Avro" : format == OutputFormat::kCsv ? "CSV" : "NDJSON";
}

// As far as the first bytes tell: a field of CSV that begins like an object of JSON stands in quotes.
std::string_view format_of(std::string_view beginning) {
  if (beginning.starts_with("Obj") && beginning.substr(3).starts_with('\x01')) return format_name(OutputFormat::kAvro);
  return beginning.starts_with("{\"") ? format_name(OutputFormat::kNdjson) : "";
}

std::string_view text_of(const ByteBuilder& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

TableSpec lengths_spec() {
  TableSpec spec;
  spec.name = "lengths";
  spec.distribution = Distribution::kSplit;
  spec.key = {{"path", kVarchar}, {"epoch", kBigint}};
  spec.value = {{"begin", kBigint}, {"size", kBigint}, {"pending", kVarchar}};
  spec.group_columns = 1;
  return spec;
}

OneFile::OneFile(Context& context, FileSettings settings, Files& files)
    : files_(files),
      settings_(std::move(settings)),
      schema_(context.inputs[0]),
      supervised_(context.supervised),
      run_(context.run),
      stage_(context.stage),
      folder_(parent_of(settings_.path)),
      marker_(folder_ + "/." + name_of(settings_.path) + ".stream"),
      table_(context.state.table(lengths_spec())),
      number_(context.first_number()) {}

std::string OneFile::pending_name() const {
  return "." + name_of(settings_.path) + "." + run_.substr(0, 8) + "-" + std::to_string(number_) + ".pending";
}

// --- where the file stands when a process begins --------------------------------------------------

// Whether this run has begun to write before, and how long the file was then.
// The marker says which run of which stage has begun the file, and how long it was then, and of what its lines are:
// "RUN BASE STAGE FORMAT".
Result<bool> OneFile::begun(std::uint64_t* base) {
  auto text = files_.read_file(marker_);
  if (!text.ok()) {
    if (text.status().code() == Code::kNotFound) return false;
    return std::move(text).status();
  }
  const std::vector<std::string> words = split(trim(*text), ' ');
  if (words.size() < 2 || words[0] != run_) return false;
  if (words.size() > 2 && words[2] != stage_) return false;  // it goes by another name now
  STREAM_ASSIGN(const std::int64_t size, parse_integer(words[1]));
  *base = static_cast<std::uint64_t>(size);
  format_begun_ = words.size() > 3 ? words[3] : "";
  return true;
}

Status OneFile::write_marker(std::uint64_t base) {
  STREAM_TRY(files_.write_file(marker_ + ".new", run_ + " " + std::to_string(base) + " " + stage_ + " " +
                                                     std::string(format_name(settings_.encoder.format)) + "\n"));
  STREAM_TRY(files_.sync_file(marker_ + ".new"));
  STREAM_TRY(files_.rename(marker_ + ".new", marker_));
  return files_.sync_dir(folder_);
}

// Rows must not come to stand under the names of other columns, nor among those of another format.
Status OneFile::check_kept(const std::string& path, std::string_view advice) {
  STREAM_ASSIGN(const std::string beginning, files_.read_at(path, 0, kHeaderMax));
  if (beginning.empty()) return {};
  STREAM_TRY(check_format(format_of(beginning), advice));
  const OutputFormat format = settings_.encoder.format;
  if (format == OutputFormat::kAvro) return check_columns(path, advice);
  if (format != OutputFormat::kCsv || !settings_.encoder.header) return {};
  ByteBuilder header;
  make_encoder(settings_.encoder, schema_)->finish(header);
  const std::string line = first_line(beginning);
  const std::string ours = first_line(text_of(header));
  if (line == ours) return {};
  return usage_error("'" + settings_.path + "' has the columns " + line + ", not " + ours + "; " + std::string(advice) +
                     " or --header none");
}

// `there`: "" if it is not known.
Status OneFile::check_format(std::string_view there, std::string_view advice) const {
  const std::string_view ours = format_name(settings_.encoder.format);
  if (there.empty() || there == ours) return {};
  return usage_error("'" + settings_.path + "' holds " + std::string(there) + ", not " + std::string(ours) + "; " +
                     std::string(advice));
}

// Where its first bytes are: in the visible file, or in what the first commit has still to bring there.
Result<std::string> OneFile::begins_in(const std::vector<Piece>& pieces) {
  for (const Piece& piece : pieces) {
    if (piece.begin != 0 || piece.size == 0) continue;
    STREAM_ASSIGN(const bool done, applied(piece));
    if (!done) return beside(piece.pending);
  }
  return settings_.path;
}

Status OneFile::go_on(const std::vector<Piece>& pieces) {
  constexpr std::string_view kAdvice = "give another path";
  if (end_ == 0) return {};
  std::uint64_t base = 0;
  STREAM_ASSIGN(const bool same_run, begun(&base));
  if (same_run) STREAM_TRY(check_format(format_begun_, kAdvice));
  STREAM_ASSIGN(const std::string path, begins_in(pieces));
  return check_kept(path, kAdvice);
}

Status OneFile::begin_anew(bool exists, std::uint64_t size) {
  end_ = 0;
  if (exists && settings_.if_exists == IfExists::kFail) {
    return usage_error("'" + settings_.path + "' exists; give --if-exists append or replace");
  }
  if (exists && settings_.if_exists == IfExists::kReplace) STREAM_TRY(files_.remove(settings_.path));
  if (exists && settings_.if_exists == IfExists::kAppend) {
    STREAM_TRY(check_kept(settings_.path, "give another path, --if-exists replace"));
    end_ = size;
  }
  return supervised_ ? write_marker(end_) : Status();
}

// In the middle of a run: what stands there was written before the stage wrote elsewhere, and is gone on behind.
Status OneFile::begin(Epoch epoch) {
  const auto size = files_.size(settings_.path);
  if (!size.ok() && size.status().code() != Code::kNotFound) return size.status();
  STREAM_ASSIGN(const bool same_run, begun(&end_));
  if (!supervised_ || !same_run) return begin_anew(size.ok(), size.ok() ? *size : 0);
  if (epoch == Epoch(0))
    STREAM_TRY(cut_to(end_));
  else if (size.ok())
    end_ = std::max(end_, *size);
  return go_on({});
}

Status OneFile::cut_to(std::uint64_t end) {
  const auto size = files_.size(settings_.path);
  if (!size.ok()) return size.status().code() == Code::kNotFound ? Status() : size.status();
  if (*size <= end) return {};
  STREAM_TRY(files_.truncate(settings_.path, end));
  return files_.sync_file(settings_.path);
}

Status OneFile::remove_leftovers(const std::vector<Piece>& kept) {
  const std::string prefix = "." + name_of(settings_.path) + ".";
  // A name that a piece has must not come again, though its file may be gone: it would be taken for it.
  for (const Piece& piece : kept) number_ = std::max(number_, number_of(piece.pending).value_or(0) + 1);
  auto names = files_.list(folder_);
  if (!names.ok()) return std::move(names).status();
  for (const std::string& name : *names) {
    const auto number = number_of(name);
    if (!name.starts_with(prefix) || !number) continue;
    number_ = std::max(number_, *number + 1);
    if (std::ranges::none_of(kept, [&](const Piece& piece) { return piece.pending == name; })) {
      STREAM_TRY(files_.remove(beside(name)));
    }
  }
  return {};
}

std::vector<OneFile::Piece> OneFile::load() const {
  std::vector<Piece> pieces;
  table_.for_each([&](Row row) {
    if (table_.bytes(row, kPath) != settings_.path) return;
    pieces.push_back({Epoch(static_cast<std::uint64_t>(table_.get<std::int64_t>(row, kEpoch))),
                      static_cast<std::uint64_t>(table_.get<std::int64_t>(row, kBegin)),
                      static_cast<std::uint64_t>(table_.get<std::int64_t>(row, kSize)),
                      std::string(table_.bytes(row, kPending)), false});
  });
  std::ranges::sort(pieces, {}, &Piece::epoch);
  return pieces;
}

void OneFile::save(const Piece& piece) {
  const auto epoch = static_cast<std::int64_t>(piece.epoch.value());
  const Row row = table_.upsert({std::string_view(settings_.path), epoch}).first;
  table_.set(row, kBegin, static_cast<std::int64_t>(piece.begin));
  table_.set(row, kSize, static_cast<std::int64_t>(piece.size));
  table_.set_bytes(row, kPending, piece.pending);
}

Status OneFile::on_restored(Epoch epoch) {
  const std::vector<Piece> restored = load();
  recorded_ = !restored.empty();
  // Without a row: a fresh run, or one that writes somewhere else since its savepoint.
  if (epoch == Epoch(0) || !recorded_) {
    STREAM_TRY(begin(epoch));
  } else {
    STREAM_TRY(check_restored(restored));
    end_ = restored.back().begin + restored.back().size;
    STREAM_TRY(cut_to(end_));
    STREAM_TRY(go_on(restored));
  }
  if (supervised_) STREAM_TRY(remove_leftovers(restored));
  for (const Piece& piece : restored) {
    if (piece.size > 0) pieces_.push_back(piece);
  }
  return {};
}

// The length of a checkpoint is in its state, that of the beginning in the marker; on_restored() cuts.
Status OneFile::rewind(Epoch epoch) {
  std::uint64_t base = 0;
  STREAM_ASSIGN(const bool begun_here, begun(&base));
  const bool known = epoch == Epoch(0) ? begun_here : !begun_here || !load().empty();
  if (known || files_.size(settings_.path).status().code() == Code::kNotFound) return {};
  return failed("unable to take back what was written to '" + settings_.path +
                "': it is not known how long it was before");
}

// --- rows ------------------------------------------------------------------------------------------

Status OneFile::on_batch(std::size_t /*input*/, Batch batch, Emitter& /*out*/) {
  if (!encoder_) {
    EncoderOptions options = settings_.encoder;
    options.header = options.header && end_ == 0;
    encoder_ = make_encoder(options, schema_);
  }
  encoder_->encode(batch, buffer_);
  if (buffer_.size() < kSpillAt) return {};
  return supervised_ ? spill() : flush();
}

Status OneFile::spill() {
  if (buffer_.size() == 0) return {};
  STREAM_TRY(files_.write_at(beside(pending_name()), spilled_, text_of(buffer_)));
  spilled_ += buffer_.size();
  buffer_.shrink(0);
  return {};
}

// What stands in the file at a barrier, or is shown by hand, is whole.
void OneFile::complete() {
  if (encoder_) encoder_->complete(buffer_);
}

Status OneFile::prepare(Epoch epoch) {
  complete();
  STREAM_TRY(spill());
  if (spilled_ == 0 && recorded_ && !ended_) return {};
  Piece piece{epoch, end_, spilled_, spilled_ > 0 ? pending_name() : "", ended_};
  if (spilled_ > 0) {
    STREAM_TRY(files_.sync_file(beside(piece.pending)));
    STREAM_TRY(files_.sync_dir(folder_));
    ++number_;
  }
  save(piece);
  recorded_ = true;
  end_ += spilled_;
  spilled_ = 0;
  const std::lock_guard lock(mutex_);
  pieces_.push_back(std::move(piece));
  return {};
}

Status OneFile::on_end() {
  ended_ = true;
  // A CSV file without rows is its header.
  if (!encoder_ && end_ == 0) make_encoder(settings_.encoder, schema_)->finish(buffer_);
  return supervised_ ? Status() : flush();
}

Status OneFile::flush() {
  if (supervised_) return {};
  complete();
  if (buffer_.size() == 0) return {};
  STREAM_TRY(files_.write_at(settings_.path, end_, text_of(buffer_)));
  end_ += buffer_.size();
  buffer_.shrink(0);
  return {};
}

// --- commits ---------------------------------------------------------------------------------------

Status OneFile::copy(const Piece& piece) {
  for (std::uint64_t done = 0; done < piece.size;) {
    const std::size_t want = std::min<std::uint64_t>(kCopyBytes, piece.size - done);
    STREAM_ASSIGN(const std::string bytes, files_.read_at(beside(piece.pending), done, want));
    if (bytes.empty()) return failed("'" + beside(piece.pending) + "' has been shortened");
    STREAM_TRY(files_.write_at(settings_.path, piece.begin + done, bytes));
    done += bytes.size();
  }
  return {};
}

// Whether its bytes have to be in the visible file: its pending one is gone.
Result<bool> OneFile::applied(const Piece& piece) {
  if (piece.size == 0) return false;
  const auto pending = files_.size(beside(piece.pending));
  if (!pending.ok() && pending.status().code() != Code::kNotFound) return pending.status();
  return !pending.ok();
}

// Errors: kCorrupt; an earlier checkpoint may need less.
Status OneFile::check_visible(const Piece& piece, bool applied) {
  const auto visible = files_.size(settings_.path);
  if (!visible.ok() && visible.status().code() != Code::kNotFound) return visible.status();
  const std::uint64_t size = visible.ok() ? *visible : 0;
  const std::uint64_t committed = applied ? piece.begin + piece.size : piece.begin;
  if (size >= committed) return {};
  return corrupt("'" + settings_.path + "' has " + std::to_string(size) + " bytes where " + std::to_string(committed) +
                 " were committed: something else has changed it; bring it back, or start anew with --fresh");
}

Status OneFile::check_pending(const Piece& piece) {
  const std::string path = beside(piece.pending);
  const auto size = files_.size(path);
  if (!size.ok() && size.status().code() != Code::kNotFound) return size.status();
  if (size.ok() && *size >= piece.size) return {};
  return corrupt("'" + path + "' " + (size.ok() ? "is too short" : "is gone") +
                 ", and with it rows that were to be committed: something else has changed it");
}

// Pieces are applied in order. What follows the first that waits says nothing about the visible file.
Status OneFile::check_restored(const std::vector<Piece>& pieces) {
  bool waiting = false;
  for (const Piece& piece : pieces) {
    if (!waiting) {
      STREAM_ASSIGN(const bool done, applied(piece));
      STREAM_TRY(check_visible(piece, done));
      waiting = !done && piece.size > 0;
    }
    if (waiting && piece.size > 0) STREAM_TRY(check_pending(piece));
  }
  return {};
}

// The pending file goes only when its rows are in the visible one and synced.
Status OneFile::apply(const Piece& piece) {
  STREAM_ASSIGN(const bool done, applied(piece));
  STREAM_TRY(check_visible(piece, done));
  if (done) return {};
  STREAM_TRY(copy(piece));
  STREAM_TRY(files_.sync_file(settings_.path));
  if (piece.begin == 0) STREAM_TRY(files_.sync_dir(folder_));
  return files_.remove(beside(piece.pending));
}

Status OneFile::commit(Epoch epoch) {
  std::vector<Piece> due;
  {
    const std::lock_guard lock(mutex_);
    std::ranges::copy_if(pieces_, std::back_inserter(due), [&](const Piece& piece) { return piece.epoch <= epoch; });
  }
  for (const Piece& piece : due) {
    if (piece.size > 0) STREAM_TRY(apply(piece));
    if (piece.last) STREAM_TRY(files_.remove(marker_));
  }
  return {};
}

// The newest row stays: it says where the next bytes go.
Status OneFile::committed(Epoch epoch) {
  std::vector<Row> rows;
  std::int64_t newest = 0;
  table_.for_each([&](Row row) {
    if (table_.bytes(row, kPath) == settings_.path) newest = std::max(newest, table_.get<std::int64_t>(row, kEpoch));
    rows.push_back(row);
  });
  for (const Row row : rows) {
    const std::int64_t of = table_.get<std::int64_t>(row, kEpoch);
    const bool elsewhere = table_.bytes(row, kPath) != settings_.path;
    if (elsewhere || (of != newest && of <= static_cast<std::int64_t>(epoch.value()))) table_.erase(row);
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(pieces_, [&](const Piece& piece) { return piece.epoch <= epoch; });
  return {};
}

}  // namespace stream
