// Success: which folders have all their rows, and the empty file _SUCCESS in those that do.
//
// A folder is complete when event time is `success-after` past its newest row. The marker is made by the commit that
// publishes the folder's last parts, behind them, and taken away when a run falls back behind that commit. One instance
// must see all rows of a folder.
#pragma once

#include <mutex>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "snapshot/state_store.h"
#include "stages/kit/stage.h"
#include "stages/write-file/settings.h"

namespace stream {

inline constexpr std::string_view kSuccessName = "_SUCCESS";

TableSpec folders_spec();

class Success {
 public:
  Success(StateStore& state, const FileSettings& settings, Files& files);

  void saw(const std::string& folder, const Batch& batch, std::span<const std::uint32_t> rows);
  // The folders that have become complete: their parts and markers belong to `epoch`.
  std::vector<std::string> complete(Microseconds watermark, Epoch epoch);

  Status commit(Epoch epoch);  // on the commit thread, behind the parts of the epoch
  void committed(Epoch epoch);
  Status on_restored();
  // Takes back markers made behind `epoch`. `begun`: folders that had published parts at `epoch`.
  Status rewind(const std::set<std::string>& folders, const std::set<std::string>& begun);

  // By hand, when the input has ended: the markers of all folders.
  Status mark_all();
  Status remove(const std::string& folder);

 private:
  struct Marker {
    std::string folder;
    Epoch epoch;
  };
  Status make(const std::string& folder);
  std::string path_in(const std::string& folder) const;

  Files& files_;
  const std::string path_;
  const Microseconds after_;
  StateTable& table_;
  std::mutex mutex_;
  std::vector<Marker> markers_;  // guarded by mutex_: prepared and not committed
};

}  // namespace stream
