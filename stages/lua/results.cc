#include "stages/lua/results.h"

namespace stream {

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
  if (at != at_) {
    at_ = at;
    begun_ = builder_->rows();
  }
  builder_->end_row();
  const bool first = builder_->rows() == begun_ + 1;
  if (first && begun_ > 0 && builder_->full()) {
    close(begun_);  // what a call gives stays together, as it may fail yet
  } else if (builder_->rows() == kBatchRowsMax) {
    close(kBatchRowsMax);  // one call that gives more than fits: what it gives has to go on
  } else {
    return;
  }
  begun_ = 0;
}

void LuaResults::failed(std::int32_t at) {
  if (!builder_) return;
  builder_->drop_row();
  if (at == at_ && begun_ < builder_->rows()) dropped_.push_back({begun_, builder_->rows()});
}

void LuaResults::close(std::size_t rows) {
  Batch batch = builder_->finish();
  for (std::size_t row = rows; row < batch.rows; ++row) builder_->append_row(batch, row);
  if (!dropped_.empty() || rows < batch.rows) {
    std::vector<std::uint32_t> kept;
    std::size_t next = 0;
    for (std::uint32_t row = 0; row < rows; ++row) {
      while (next < dropped_.size() && row >= dropped_[next].end) ++next;
      if (next == dropped_.size() || row < dropped_[next].begin) kept.push_back(row);
    }
    batch = batch.take(kept);
    dropped_.clear();
  }
  if (batch.rows > 0) done_.push_back(std::move(batch));
}

Status LuaResults::emit(Emitter& out) {
  if (builder_ && builder_->rows() > 0) close(builder_->rows());
  at_ = -1;
  for (; !done_.empty() && !out.full(); done_.pop_front()) STREAM_TRY(out.emit(std::move(done_.front())));
  return {};
}

}  // namespace stream
