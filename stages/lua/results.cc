#include "stages/lua/results.h"

namespace stream {
namespace {

constexpr std::size_t kCallBytesMax = 64 << 20;  // of what one call gives, in one batch

}  // namespace

bool is_varchar(std::string_view text) { return format::valid_utf8(text) && text.find('\0') == std::string_view::npos; }

bool append_text(std::string_view text, ColumnBuilder& out) {
  switch (out.type().kind) {
    case TypeKind::kVarchar:
      if (!is_varchar(text)) return false;
      break;
    case TypeKind::kJson:
      if (!format::valid_json(text.data(), text.data() + text.size())) return false;
      break;
    case TypeKind::kBlob: break;
    default: {
      static const format::TimeRules rules{};
      return format::ValueReader(rules).read_text(text, out);
    }
  }
  out.append_bytes(text);
  return true;
}

LuaResults::LuaResults(SchemaPtr schema) {
  if (schema) builder_.emplace(std::move(schema));
}

void LuaResults::end_row(std::int32_t at) {
  if (!builder_) return;
  const bool first = at != at_;
  if (first) {
    at_ = at;
    begun_ = builder_->rows();
  }
  builder_->end_row();
  if (first && begun_ > 0 && builder_->full()) return close_before();
  if (builder_->rows() < kBatchRowsMax && builder_->size_bytes() < kCallBytesMax) return;
  close();  // one call that gives more than fits: what it gives has to go on
  begun_ = 0;
}

void LuaResults::failed(std::int32_t at) {
  if (!builder_) return;
  builder_->drop_row();
  if (at == at_ && begun_ < builder_->rows()) dropped_.push_back({begun_, builder_->rows()});
}

// What calls before this one gave, which has given one row: if it fails, that does not go.
void LuaResults::close_before() {
  const Batch all = builder_->finish();
  hand_over(all.slice(0, begun_));
  builder_->append_row(all, begun_);
  begun_ = 0;
}

void LuaResults::close() { hand_over(builder_->finish()); }

void LuaResults::hand_over(Batch batch) {
  if (!dropped_.empty()) {
    std::vector<std::uint32_t> kept;
    std::size_t next = 0;
    for (std::uint32_t row = 0; row < batch.rows; ++row) {
      while (next < dropped_.size() && row >= dropped_[next].end) ++next;
      if (next == dropped_.size() || row < dropped_[next].begin) kept.push_back(row);
    }
    batch = batch.take(kept);
    dropped_.clear();
  }
  if (batch.rows > 0) done_.push_back(std::move(batch));
}

Status LuaResults::emit(Emitter& out) {
  if (builder_ && builder_->rows() > 0) close();
  at_ = -1;
  for (; !done_.empty() && !out.full(); done_.pop_front()) STREAM_TRY(out.emit(std::move(done_.front())));
  return {};
}

}  // namespace stream
