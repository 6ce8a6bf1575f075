#include "stages/write-file/object_parts.h"

#include <algorithm>
#include <cstdio>

#include "stages/write-file/folders.h"
#include "stages/write-file/rolling.h"
#include "transport/base/text.h"

namespace stream {
namespace {

enum Value : std::size_t { kObject, kUpload, kParts, kSize, kRest, kRolled };

constexpr std::size_t kOpenMax = 32;          // each may keep a part in memory, and in the state table
constexpr std::uint32_t kAttemptsApart = 16;  // see next_part_number()
constexpr std::uint32_t kPartNumberMax = 10'000;

std::string_view text_of(const ByteBuilder& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

TableSpec objects_spec() {
  TableSpec spec;
  spec.name = "objects";
  spec.distribution = Distribution::kSplit;
  spec.key = {{"object", kVarchar}};
  // rolled: the epoch that publishes it, or 0; rest: what is behind the parts.
  spec.value = {{"upload", kVarchar}, {"parts", kVarchar}, {"size", kBigint}, {"rest", kBlob}, {"rolled", kBigint}};
  return spec;
}

std::uint32_t next_part_number(std::uint32_t last, std::uint32_t attempt) {
  const std::uint32_t wanted = attempt % kAttemptsApart;
  const std::uint32_t next = last + 1;
  return next + (wanted + kAttemptsApart - next % kAttemptsApart) % kAttemptsApart;
}

std::string parts_text(const std::vector<UploadedPart>& parts) {
  std::string text;
  for (const UploadedPart& part : parts) text += std::to_string(part.number) + ":" + part.etag + "\n";
  return text;
}

Result<std::vector<UploadedPart>> parts_of_text(std::string_view text) {
  std::vector<UploadedPart> parts;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const std::size_t colon = line.find(':');
    const auto number = parse_integer(line.substr(0, colon));
    if (!number.ok() || *number < 1 || *number > kPartNumberMax || colon == std::string_view::npos)
      return corrupt("state table 'objects': '" + std::string(line) + "' is no part");
    parts.push_back({static_cast<std::uint32_t>(*number), std::string(line.substr(colon + 1))});
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return parts;
}

ObjectParts::ObjectParts(Context& context, FileSettings settings, StoragePlace place,
                         std::unique_ptr<ObjectStore> store)
    : settings_(std::move(settings)),
      place_(std::move(place)),
      store_(std::move(store)),
      schema_(context.inputs[0]),
      clock_(context.clock),
      supervised_(context.supervised),
      instance_(context.instance),
      parallelism_(context.parallelism),
      attempt_(context.attempt),
      run_(short_run(context)),
      table_(context.state.table(objects_spec())),
      number_(context.first_number()) {}

// --- rows ------------------------------------------------------------------------------------------

std::string ObjectParts::next_key(const std::string& folder) {
  PartName name{folder, instance_, run_, number_, settings_.extension};
  while (supervised_ && !mine(name.published(prepared_))) ++name.number;
  number_ = name.number + 1;
  return name.published(prepared_);
}

ObjectParts::Object& ObjectParts::object_of(const std::string& folder) {
  std::unique_ptr<Object>& object = open_[folder];
  if (!object) {
    object = std::make_unique<Object>();
    object->key = next_key(folder);
    object->encoder = make_encoder(settings_.encoder, schema_);
    object->opened = clock_.monotonic_us();
  }
  return *object;
}

// Full parts; `all`: also what is left, which is then the last.
Status ObjectParts::send(Object& object, bool all) {
  std::size_t sent = 0;
  while (object.buffer.size() - sent >= place_.part_bytes || (all && sent < object.buffer.size())) {
    if (object.upload.empty()) { STREAM_ASSIGN(object.upload, store_->begin_upload(place_.key(object.key))); }
    const std::string_view bytes = text_of(object.buffer).substr(sent, place_.part_bytes);
    const std::uint32_t number = next_part_number(object.parts.empty() ? 0 : object.parts.back().number, attempt_);
    STREAM_ASSIGN(std::string etag, store_->upload_part({place_.key(object.key), object.upload}, number, bytes));
    object.parts.push_back({number, std::move(etag)});
    object.size += bytes.size();
    sent += bytes.size();
    object.changed = true;
  }
  if (sent == 0) return {};
  const std::string rest(text_of(object.buffer).substr(sent));
  object.buffer.shrink(0);
  object.buffer.append(rest.data(), rest.size());
  return {};
}

Status ObjectParts::on_batch(std::size_t /*input*/, Batch batch, Emitter& out) {
  STREAM_ASSIGN(const auto rows, spread(settings_.by, batch, out));
  for (const auto& [folder, positions] : rows) {
    Object& object = object_of(folder);
    object.encoder->encode(positions.size() == batch.rows ? batch : batch.take(positions), object.buffer);
    object.changed = true;
    STREAM_TRY(send(object, false));
    const bool numbers_end = !object.parts.empty() && object.parts.back().number + 2 * kAttemptsApart > kPartNumberMax;
    if (object.size + object.buffer.size() >= settings_.roll_size || numbers_end) {
      closed_.push_back(std::move(open_[folder]));
      open_.erase(folder);
    }
    if (open_.size() > kOpenMax) close_oldest(open_, closed_);
  }
  return supervised_ || closed_.empty() ? Status() : publish_now();
}

void ObjectParts::close_due() {
  close_opened_until(open_, closed_, ended_ ? INT64_MAX : clock_.monotonic_us() - settings_.roll_every);
}

// --- checkpoints -----------------------------------------------------------------------------------

void ObjectParts::store(const Object& object, Epoch rolled) {
  const Row row = table_.upsert({std::string_view(object.key)}).first;
  table_.set_bytes(row, kUpload, object.upload);
  table_.set_bytes(row, kParts, parts_text(object.parts));
  table_.set(row, kSize, static_cast<std::int64_t>(object.size));
  table_.set_bytes(row, kRest, text_of(object.buffer));
  table_.set(row, kRolled, static_cast<std::int64_t>(rolled.value()));
}

Status ObjectParts::roll(Object& object, Epoch epoch) {
  if (object.encoder) object.encoder->complete(object.buffer);
  STREAM_TRY(send(object, true));
  store(object, epoch);
  const std::lock_guard lock(mutex_);
  publications_.push_back({{place_.key(object.key), object.upload}, object.parts, object.size, epoch, false});
  return {};
}

Status ObjectParts::prepare(Epoch epoch) {
  close_due();
  for (const auto& [folder, object] : open_) {
    object->encoder->complete(object->buffer);
    STREAM_TRY(send(*object, false));
    if (std::exchange(object->changed, false)) store(*object, Epoch(0));
  }
  for (const auto& object : closed_) STREAM_TRY(roll(*object, epoch));
  closed_.clear();
  prepared_ = epoch;
  return {};
}

// Rows are given away when this is done: a server that was killed while it completed an upload may say of it ever after
// that it is complete, or being completed, so that only the object itself tells.
Status ObjectParts::complete(const Publication& publication) {
  Status done = store_->complete_upload(publication.upload, publication.parts);
  if (!done.ok() && done.code() != Code::kNotFound) return done;
  const auto facts = store_->facts(publication.upload.key);
  if (facts.ok() && facts->size == publication.size) return {};
  if (!facts.ok() && facts.status().code() != Code::kNotFound) return facts.status();
  const std::string name = "s3://" + place_.bucket + "/" + publication.upload.key;
  if (done.ok()) {
    return {Code::kSystem, "the server says that '" + name + "' is complete, but it is " +
                               (facts.ok() ? "of another size" : "not there")};
  }
  // It was completed before, and the answer lost, or the process; or somebody has aborted it.
  if (publication.maybe_done && !facts.ok()) {
    std::fprintf(stderr,
                 "stream-write-file: warning: '%s' is not there: taken away, or its upload was aborted before it was "
                 "completed\n",
                 name.c_str());
    return {};
  }
  return corrupt("the upload of '" + name +
                 "' is gone, and with it committed rows: something else has aborted it; start anew with --fresh");
}

Status ObjectParts::commit(Epoch epoch) {
  std::vector<Publication> due;
  {
    const std::lock_guard lock(mutex_);
    std::ranges::copy_if(publications_, std::back_inserter(due),
                         [&](const Publication& publication) { return publication.epoch <= epoch; });
  }
  for (const Publication& publication : due) STREAM_TRY(complete(publication));
  // A commit that is tried again in this process finds these done.
  const std::lock_guard lock(mutex_);
  for (Publication& publication : publications_) publication.maybe_done |= publication.epoch <= epoch;
  return {};
}

Status ObjectParts::committed(Epoch epoch) {
  const auto through = static_cast<std::int64_t>(epoch.value());
  std::vector<Row> done;
  table_.for_each([&](Row row) {
    const auto rolled = table_.get<std::int64_t>(row, kRolled);
    if (rolled != 0 && rolled <= through) done.push_back(row);
  });
  for (const Row row : done) table_.erase(row);
  const std::lock_guard lock(mutex_);
  std::erase_if(publications_, [&](const Publication& publication) { return publication.epoch <= epoch; });
  return {};
}

// --- by hand ---------------------------------------------------------------------------------------

Status ObjectParts::publish_now() {
  for (const auto& object : closed_) {
    object->encoder->complete(object->buffer);
    STREAM_TRY(send(*object, true));
    STREAM_TRY(complete({{place_.key(object->key), object->upload}, object->parts, object->size, Epoch(0), false}));
  }
  closed_.clear();
  return {};
}

Status ObjectParts::flush() {
  if (supervised_) return {};
  close_due();
  return publish_now();
}

Status ObjectParts::on_end() {
  ended_ = true;
  return flush();
}

}  // namespace stream
