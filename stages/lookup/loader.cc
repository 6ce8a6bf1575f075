#include "stages/lookup/loader.h"

namespace stream {

void Loader::submit(std::function<Status(Outcome&)> work) {
  auto outcome = std::make_shared<Outcome>();
  worker_.submit([outcome, work = std::move(work)] { return work(*outcome); },
                 [this, outcome](Status status) {
                   outcome->status = std::move(status);
                   outcome_ = std::move(*outcome);
                   return Status();
                 });
}

Status Loader::load(Outcome& outcome) {
  STREAM_ASSIGN(const std::string version, reader_->version());
  if (have_ && !version.empty() && version == version_) return {};
  STREAM_ASSIGN(const std::vector<Batch> rows, reader_->read_all(bytes_max_));
  STREAM_ASSIGN(outcome.table, ReferenceTable::make(schema_, rows, design_.key, design_.version));
  version_ = version;
  have_ = true;
  return {};
}

void Loader::read_all() {
  submit([this](Outcome& outcome) { return load(outcome); });
}

void Loader::read_keys(Batch keys) {
  submit([this, keys = std::move(keys)](Outcome& outcome) -> Status {
    STREAM_ASSIGN(outcome.rows, reader_->read_keys(keys));
    return {};
  });
}

Result<std::optional<Loader::Outcome>> Loader::take() {
  if (worker_.pending() != 0) STREAM_TRY(worker_.deliver());
  return std::exchange(outcome_, std::nullopt);
}

}  // namespace stream
