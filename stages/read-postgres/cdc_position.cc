#include "stages/read-postgres/cdc_position.h"

namespace stream {
namespace {

enum Column : std::size_t { kTables = 1, kStreaming, kPass, kLsn, kXid, kChanges };
constexpr std::string_view kOnly = "slot";

}  // namespace

TableSpec CdcPositionTable::spec() {
  TableSpec spec;
  spec.name = "position";
  spec.distribution = Distribution::kSplit;
  spec.key = {{"of", kVarchar}};
  spec.value = {{"tables", kVarchar}, {"streaming", kBoolean}, {"pass", kBigint},
                {"lsn", kBigint},     {"xid", kBigint},        {"changes", kBigint}};
  return spec;
}

CdcPosition CdcPositionTable::load() const {
  const Row row = table_.find({kOnly});
  if (!row) return {};
  return {std::string(table_.bytes(row, kTables)),
          table_.get<std::uint8_t>(row, kStreaming) != 0,
          table_.get<std::int64_t>(row, kPass),
          static_cast<Lsn>(table_.get<std::int64_t>(row, kLsn)),
          static_cast<std::uint32_t>(table_.get<std::int64_t>(row, kXid)),
          table_.get<std::int64_t>(row, kChanges)};
}

void CdcPositionTable::store(const CdcPosition& position) {
  if (table_.find({kOnly}) && load() == position) return;
  const Row row = table_.upsert({kOnly}).first;
  table_.set_bytes(row, kTables, position.tables);
  table_.set(row, kStreaming, static_cast<std::uint8_t>(position.streaming));
  table_.set(row, kPass, position.pass);
  table_.set(row, kLsn, static_cast<std::int64_t>(position.lsn));
  table_.set(row, kXid, std::int64_t{position.xid});
  table_.set(row, kChanges, position.changes);
}

}  // namespace stream
