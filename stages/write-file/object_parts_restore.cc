// What ObjectParts does with the objects and uploads an earlier process has left.
#include <algorithm>
#include <cstdio>

#include "stages/write-file/object_parts.h"

namespace stream {
namespace {

enum Column : std::size_t { kObject, kUpload, kParts, kSize, kRest, kRolled };

std::optional<FoundPart> part_at(const std::string& key) {
  const std::size_t slash = key.rfind('/');
  const std::size_t at = slash == std::string::npos ? 0 : slash + 1;
  auto found = parse_part(key.substr(0, at), key.substr(at));
  return found && found->epoch ? found : std::nullopt;
}

}  // namespace

bool ObjectParts::mine(const std::string& key) const { return owner_of_key(key, parallelism_) == instance_; }

Result<ObjectParts::Found> ObjectParts::find() {
  const std::string begin = place_.key("") + (place_.prefix.empty() ? "" : "/");
  Found found;
  STREAM_ASSIGN(const auto objects, store_->list(begin));
  for (const ObjectFacts& object : objects) {
    const std::string key = object.key.substr(begin.size());
    if (auto part = part_at(key)) {
      found.objects.push_back(*std::move(part));
      found.keys.push_back(key);
    }
  }
  STREAM_ASSIGN(const auto uploads, store_->list_uploads(begin));
  for (const OpenUpload& upload : uploads) found.uploads[upload.id] = upload.key.substr(begin.size());
  return found;
}

// Every instance comes to the same answer, however far the others are: what is of this run does not count.
Status ObjectParts::check_existing(const Found& found) {
  for (std::size_t i = 0; i < found.objects.size(); ++i) {
    if (found.objects[i].name.run == run_) continue;
    if (settings_.if_exists == IfExists::kFail) {
      return usage_error("'" + settings_.path + "' has parts of an earlier run; give --if-exists append or replace");
    }
    if (settings_.if_exists == IfExists::kReplace) STREAM_TRY(store_->remove(place_.key(found.keys[i])));
  }
  return {};
}

// Uploads of dead processes of this run that no checkpoint knows.
Status ObjectParts::remove_leftovers(const Found& found) {
  for (const auto& [id, key] : found.uploads) {
    const auto part = part_at(key);
    if (!part || part->name.run != run_ || !mine(key)) continue;
    const Row row = table_.find({std::string_view(key)});
    if (row && table_.bytes(row, kUpload) == id) continue;
    STREAM_TRY(store_->abort_upload({place_.key(key), id}));
  }
  return {};
}

// An object that was completed by an epoch taken back: an upload with what it held then, which takes its place when it
// is completed in turn.
Status ObjectParts::begin_again(Object& object) {
  const std::string key = place_.key(object.key);
  STREAM_ASSIGN(object.upload, store_->begin_upload(key));
  object.parts.clear();
  for (std::uint64_t at = 0; at < object.size;) {
    STREAM_ASSIGN(const ObjectBytes got, store_->get(key, at, std::min(place_.part_bytes, object.size - at)));
    if (got.bytes.empty()) {
      return corrupt("'s3://" + place_.bucket + "/" + key + "' has " + std::to_string(at) + " bytes where " +
                     std::to_string(object.size) + " were written; bring it back, or start anew with --fresh");
    }
    const std::uint32_t number = next_part_number(object.parts.empty() ? 0 : object.parts.back().number, attempt_);
    STREAM_ASSIGN(std::string etag, store_->upload_part({key, object.upload}, number, got.bytes));
    object.parts.push_back({number, std::move(etag)});
    at += got.bytes.size();
  }
  return {};
}

// False: its object belongs to another folder, where it stays.
Result<bool> ObjectParts::restore_row(const Found& found, Row row) {
  auto object = std::make_unique<Object>();
  object->key = table_.bytes(row, kObject);
  const auto part = part_at(object->key);
  if (!part) return corrupt("state table 'objects': '" + object->key + "' is no part");
  object->upload = table_.bytes(row, kUpload);
  STREAM_ASSIGN(object->parts, parts_of_text(table_.bytes(row, kParts)));
  object->size = static_cast<std::uint64_t>(table_.get<std::int64_t>(row, kSize));
  const std::string_view rest = table_.bytes(row, kRest);
  object->buffer.append(rest.data(), rest.size());
  const Epoch rolled(static_cast<std::uint64_t>(table_.get<std::int64_t>(row, kRolled)));
  const bool own = part->name.run == run_;
  if (own && part->name.instance == instance_) number_ = std::max(number_, part->name.number + 1);
  const bool there = std::ranges::find(found.keys, object->key) != found.keys.end();
  const bool going = found.uploads.contains(object->upload);
  if (rolled != Epoch(0)) {
    if (!own && !there && !going) return false;
    publications_.push_back({{place_.key(object->key), object->upload}, object->parts, object->size, rolled, true});
    return true;
  }
  // Another run has gone on behind the savepoint and completed it: the rows are there.
  if (!own && there) {
    table_.erase(row);
    return true;
  }
  if (!object->upload.empty() && !going) {
    if (!own) return false;
    if (!there) {
      return corrupt("the upload of 's3://" + place_.bucket + "/" + place_.key(object->key) +
                     "' is gone, and with it committed rows; start anew with --fresh");
    }
    STREAM_TRY(begin_again(*object));
  }
  closed_.push_back(std::move(object));
  return true;
}

Status ObjectParts::on_restored(Epoch epoch) {
  STREAM_ASSIGN(const Found found, find());
  if (epoch == Epoch(0)) STREAM_TRY(check_existing(found));
  prepared_ = epoch;
  for (const FoundPart& part : found.objects) {
    if (part.name.run == run_ && part.name.instance == instance_) number_ = std::max(number_, part.name.number + 1);
  }
  if (!supervised_) return {};
  STREAM_TRY(remove_leftovers(found));
  std::vector<Row> rows;
  table_.for_each([&](Row row) { rows.push_back(row); });
  bool left = false;
  for (const Row row : rows) {
    STREAM_ASSIGN(const bool here, restore_row(found, row));
    if (here) continue;
    table_.erase(row);
    left = true;
  }
  if (left) {
    std::fprintf(stderr,
                 "stream-write-file: warning: '%s' is begun: objects that were being written are not here, and stay "
                 "where they are\n",
                 settings_.path.c_str());
  }
  return {};
}

// What was begun behind `epoch` goes. What was growing then, and has been completed since, on_restored() begins again.
Status ObjectParts::rewind(Epoch epoch) {
  STREAM_ASSIGN(const Found found, find());
  for (std::size_t i = 0; i < found.objects.size(); ++i) {
    const FoundPart& part = found.objects[i];
    if (*part.epoch < epoch || part.name.run != run_ || !mine(found.keys[i])) continue;
    if (table_.find({std::string_view(found.keys[i])})) continue;
    STREAM_TRY(store_->remove(place_.key(found.keys[i])));
  }
  return {};
}

}  // namespace stream
