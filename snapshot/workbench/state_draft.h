// StateDraft: the state of a savepoint in a database of its own, changed by SQL, then sealed as a new savepoint.
//
// Every table stands there as a whole, under the names of StateView, with its key unique and each column held to its
// declared type, so that a statement that would make impossible state fails where it stands.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "snapshot/savepoint.h"
#include "snapshot/workbench/state_view.h"

struct sqlite3;

namespace stream {

class StateDraft {
 public:
  // Copies all tables of the savepoint. `file`: where; replaced, and the caller's to delete. Errors: kCorrupt, kSystem.
  static Result<std::unique_ptr<StateDraft>> make(StateView& view, const std::string& folder, const std::string& file);
  ~StateDraft();
  StateDraft(const StateDraft&) = delete;
  StateDraft& operator=(const StateDraft&) = delete;

  // Runs INSERT, UPDATE and DELETE over the tables; several statements with ';' between them, all or none. Returns
  // how many rows were touched. Errors: kUsage, kSystem.
  Result<std::uint64_t> change(const std::string& sql);

  // Writes the savepoint: `index` is that of the one it was made of, changed where it is to differ. Errors as those of
  // write_savepoint().
  Result<CheckpointIndex> seal(Files& files, CheckpointIndex index, const std::string& target, bool single_file);

 private:
  explicit StateDraft(StateView& view) : view_(view) {}
  Status open(const std::string& file);
  Status make_table(std::size_t table);
  Status copy_table(std::size_t table, const std::string& folder);
  Status copy_instance(std::size_t table, const std::string& folder, std::uint32_t instance);
  Status insert(std::size_t table, const StateTable& rows, std::int64_t instance);
  Status index_groups(std::size_t table);
  Status fill(const IndexInstance& instance, SavepointInstanceWriter& writer);
  Status fill_table(std::size_t table, const std::string& where, std::uint32_t instance,
                    SavepointInstanceWriter& writer);
  Result<Statement> prepare(const std::string& sql) const;
  Status execute(const std::string& sql) const;
  static int allow(void* self, int action, const char* first, const char* second, const char* schema, const char* by);

  StateView& view_;
  std::string path_;
  sqlite3* db_ = nullptr;
  bool guarding_ = false;  // the statement is the user's
};

}  // namespace stream
