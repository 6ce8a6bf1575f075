// CdcPosition: how far a stage has come with its slot; the only row of the state table `position`.
#pragma once

#include <string>

#include "snapshot/state_store.h"
#include "stages/read-postgres/pgoutput.h"

namespace stream {

struct CdcPosition {
  std::string tables;        // that are followed, separated by commas
  bool streaming = false;    // the tables have been read: changes come
  std::int64_t pass = 0;     // how often reading them has begun
  Lsn lsn = 0;               // every transaction up to here has been emitted
  std::uint32_t xid = 0;     // of the next one,
  std::int64_t changes = 0;  // … so many changes have been emitted

  friend bool operator==(const CdcPosition&, const CdcPosition&) = default;
};

class CdcPositionTable {
 public:
  static TableSpec spec();
  explicit CdcPositionTable(StateStore& store) : table_(store.table(spec())) {}

  CdcPosition load() const;
  void store(const CdcPosition& position);

 private:
  StateTable& table_;
};

}  // namespace stream
