// The ids under which rows become messages: the same whenever a row is written again. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "snapshot/outbox.h"

namespace stream {

// "RUN/STAGE/INSTANCE/EPOCH/ROW", of which the server drops the second within its duplicate window.
class MessageIds {
 public:
  MessageIds(std::string run, std::string stage) : run_(std::move(run)), stage_(std::move(stage)) {}

  std::string id(Committable committable, std::uint64_t row) const;
  // The row, if the id is one of this committable.
  std::optional<std::uint64_t> row_of(Committable committable, std::string_view id) const;
  // The epoch, if the id is one of this run and stage.
  std::optional<Epoch> epoch_of(std::string_view id) const;

 private:
  std::string prefix(Committable committable) const;

  std::string run_;
  std::string stage_;
};

}  // namespace stream
