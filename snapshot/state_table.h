// StateTable: the rows of one state table of one instance, in memory, by key.
//
// An open-addressing hash over rows of a fixed layout; row addresses are stable. What changed
// since the last capture is known, so a checkpoint costs what changed. One thread only: the loop
// thread of the instance.
//
// The hot path is a batch: upsert() finds or makes the rows of a whole batch with their cache
// misses overlapped, then the operator works at fixed offsets:
//
//   std::vector<std::uint64_t> hashes(batch.rows);
//   hash_keys(batch, key_columns, hashes);
//   table.upsert(batch, key_columns, hashes, rows, inserted);
//   for (std::size_t i = 0; i < batch.rows; ++i) *table.at<std::int64_t>(rows[i], count_column) += 1;
//
// Column numbers count the key columns, then the value columns. Using a column with the wrong C++
// type, or a row that was erased, is a programmer's mistake.
#pragma once

#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "snapshot/capture.h"
#include "snapshot/changes.h"
#include "snapshot/row.h"
#include "snapshot/row_layout.h"
#include "snapshot/row_pages.h"
#include "snapshot/row_pin.h"
#include "snapshot/slot_map.h"
#include "snapshot/string_heap.h"
#include "snapshot/table_spec.h"
#include "snapshot/time_index.h"
#include "transport/record/batch.h"

namespace stream {

// Where a scan stands. Starts at the beginning; scan() moves it. Rows already returned may be
// erased between two calls; rows added meanwhile may or may not be seen.
struct TableCursor {
  std::uint32_t next = 0;
};

struct TimeCursor {
  bool started = false;
  std::int64_t time = 0;
  std::uint32_t next = 0;
};

class StateTable {
 public:
  // `track_changes` off: nothing will ever be captured (plain mode), so nothing is remembered.
  // A spec that check_spec() refuses is a programmer's mistake.
  explicit StateTable(TableSpec spec, bool track_changes = true);
  StateTable(const StateTable&) = delete;
  StateTable& operator=(const StateTable&) = delete;
  ~StateTable();

  const TableSpec& spec() const { return spec_; }
  std::size_t rows() const { return rows_; }
  // Everything the table holds on to: rows, strings, hash, indexes, what is kept for captures.
  std::size_t size_bytes() const;

  // --- rows by key ------------------------------------------------------------------------------
  // `key_columns`: the batch's columns that hold the key, in the order of spec().key and of its
  // types. `hashes`: hash_keys() over exactly these columns, for the rows from `begin` on; the other
  // spans have as many elements. Pieces of about 1,000 rows, each worked on before the next is looked
  // up, find their rows still in the cache.

  // Finds or inserts the row of every key and marks it changed. Values of an inserted row are
  // zero, or empty, and not NULL, except that an `ordered` value column is NULL until it is set.
  // inserted[i] is 1 where row i made the row; the span may be empty.
  void upsert(const Batch& batch, std::span<const std::size_t> key_columns, std::span<const std::uint64_t> hashes,
              std::span<Row> rows, std::span<std::uint8_t> inserted, std::size_t begin = 0);
  // The same, but marks nothing: touch() must follow for every row that was made, and for those that are written to.
  void upsert_unmarked(const Batch& batch, std::span<const std::size_t> key_columns,
                       std::span<const std::uint64_t> hashes, std::span<Row> rows, std::span<std::uint8_t> inserted,
                       std::size_t begin = 0);
  // The same without inserting: a null Row where the key is absent. Marks nothing.
  void find(const Batch& batch, std::span<const std::size_t> key_columns, std::span<const std::uint64_t> hashes,
            std::span<Row> rows, std::size_t begin = 0) const;

  // One row, by values in the order of spec().key. upsert: {row, inserted}.
  std::pair<Row, bool> upsert(std::span<const Cell> key);
  Row find(std::span<const Cell> key) const;
  std::pair<Row, bool> upsert(std::initializer_list<Cell> key) { return upsert(std::span(key.begin(), key.size())); }
  Row find(std::initializer_list<Cell> key) const { return find(std::span(key.begin(), key.size())); }

  // --- rows that are only added -----------------------------------------------------------------
  // Of a table with spec().append_only, instead of upsert(). Such a table keeps no index by whole keys: what is
  // added must have a key that no row has, and find() walks the rows of the prefix. What is erased can be read until
  // the next append().

  // Adds a row for every key and marks it changed. `prefix_hashes`: hash_keys() over the prefix columns, for the rows
  // from `begin` on. Values are as those of a row that upsert() made.
  void append(const Batch& batch, std::span<const std::size_t> key_columns,
              std::span<const std::uint64_t> prefix_hashes, std::span<Row> rows, std::size_t begin = 0);
  // Sets a value column of rows just added: rows[i] to row begin + i. A time must not be below what erase_before()
  // was last told.
  void fill(std::span<const Row> rows, std::size_t column, const Column& from, std::size_t begin = 0);
  // Sets a value column, of any table, of rows that are marked as changed already: rows[i] to row from_rows[i].
  void store(std::span<const Row> rows, std::size_t column, const Column& from,
             std::span<const std::uint32_t> from_rows);

  // --- values -----------------------------------------------------------------------------------
  // T is the column type's own C++ type: uint8_t, int32_t, int64_t, double, Decimal, Interval.
  // What is read of a NULL is the bytes it had before, and means nothing.

  bool is_null(Row row, std::size_t column) const { return layout_.is_null(row, column); }
  template <class T>
  T get(Row row, std::size_t column) const {
    T value;
    std::memcpy(&value, row.at + layout_.offset(column), sizeof(T));
    return value;
  }
  std::string_view bytes(Row row, std::size_t column) const { return layout_.bytes(row, column); }
  Cell cell(Row row, std::size_t column) const;

  // These mark the row as changed. Only value columns can be set.
  template <class T>
  void set(Row row, std::size_t column, T value) {
    touch(row);
    if constexpr (std::is_same_v<T, std::int64_t>) {
      if (column == time_column_) return set_time(row, value, false);
    }
    layout_.set_null(row, column, false);
    std::memcpy(row.at + layout_.offset(column), &value, sizeof(T));
  }
  void set_null(Row row, std::size_t column);
  void set_bytes(Row row, std::size_t column, std::string_view bytes);  // VARCHAR, BLOB, JSON
  void set_cell(Row row, std::size_t column, const Cell& value);
  void set_from(Row row, std::size_t column, const Column& from, std::size_t from_row);
  // All values as they are in a row just made.
  void renew(Row row);

  // The value in place, for accumulating; aligned as T demands. Does not mark the row (upsert() did)
  // and leaves NULL as it is. Not for the `ordered` column.
  template <class T>
  T* at(Row row, std::size_t column) {
    return reinterpret_cast<T*>(row.at + layout_.offset(column));
  }

  // Marks the row as changed since the last capture: call before writing through at() to a row
  // that find() or a scan returned.
  void touch(Row row) { changes_.touch(row); }

  // Whole columns of many rows at once: what an operator emits. Null rows give NULL.
  Column gather(std::span<const Row> rows, std::size_t column) const;
  void append_to(Row row, std::size_t column, ColumnBuilder& out) const;

  // --- erasing ----------------------------------------------------------------------------------
  void erase(Row row);
  // Erases every row whose `ordered` column is below `time`: one tombstone however many rows.
  // Returns how many. Needs spec().ordered.
  std::size_t erase_before(std::int64_t time);
  void clear();

  // --- access paths -----------------------------------------------------------------------------
  // Up to out.size() further rows; returns how many; fewer than out.size() = the end was reached.

  // Every row, in no order.
  std::size_t scan(TableCursor& cursor, std::span<Row> out) const;
  template <class Visit>  // void(Row); must not insert or erase other rows
  void for_each(Visit&& visit) const {
    TableCursor cursor;
    Row row;
    while (scan(cursor, {&row, 1}) == 1) visit(row);
  }

  // Rows in order of time (within one time in no order) with ordered < `until`.
  std::size_t scan_before(TimeCursor& cursor, std::int64_t until, std::span<Row> out) const;
  // A cursor that starts at the first row with ordered >= `from`.
  static TimeCursor time_cursor(std::int64_t from) {
    return from == INT64_MIN ? TimeCursor{} : TimeCursor{true, from - 1, kNoRow};
  }
  std::optional<std::int64_t> first_time() const { return time_.first(); }

  // All rows whose first spec().prefix key columns are equal, newest first before a restore, in no
  // order after it: some row of every prefix (null = none), then next_of_prefix() until null.
  // `hashes`: hash_keys() over the prefix columns of the batch.
  void find_prefix(const Batch& batch, std::span<const std::size_t> prefix_columns,
                   std::span<const std::uint64_t> hashes, std::span<Row> rows) const;
  Row find_prefix(std::span<const Cell> prefix) const;
  Row find_prefix(std::initializer_list<Cell> prefix) const {
    return find_prefix(std::span(prefix.begin(), prefix.size()));
  }
  // What next_of_prefix() and reading the row will need.
  void prefetch(Row row) const {
    __builtin_prefetch(row.at);
    __builtin_prefetch(layout_.prefix_links(row));
  }
  Row next_of_prefix(Row row) const { return pages_.row(layout_.prefix_links(row)->next); }

  // --- for the snapshot library -----------------------------------------------------------------
  const RowLayout& layout() const { return layout_; }
  Changes& changes() { return changes_; }
  // Rows of a snapshot: columns in the order of the spec. They count as captured, not as changed.
  void load(const Batch& rows);
  // Room for so many rows in all, so that loading them moves nothing. Only a hint.
  void expect(std::size_t rows);
  // Tombstones of a snapshot: key columns in the order of the spec.
  void unload(const Batch& keys);
  // Drops rows below `time` in `column`, with no need of the access path.
  void unload_before(std::size_t column, std::int64_t time);
  void unload_all();
  // What changed after generation `completed`, of an append-only table; ends the current generation.
  RowReferences refer(std::uint64_t completed);

 private:
  class KeyEqual;
  class IntegerEqual;
  class RowEqual;

  template <bool kMark, class Equal>
  void upsert_rows(std::span<const std::uint64_t> hashes, std::span<Row> rows, std::uint8_t* inserted,
                   const Equal& equal);
  template <class Equal>
  void find_rows(std::span<const std::uint64_t> hashes, std::span<Row> rows, const Equal& equal) const;
  void look_ahead(std::span<const std::uint64_t> hashes, Row* likely) const;
  template <bool kMark>
  void upsert_batch(const Batch& batch, std::span<const std::size_t> key_columns, std::span<const std::uint64_t> hashes,
                    std::span<Row> rows, std::uint8_t* inserted, std::size_t begin);
  template <class Equal>
  std::pair<Row, bool> find_or_insert(const Equal& equal, std::size_t i, std::uint64_t hash);
  template <class Equal>
  Row insert(const Equal& equal, std::size_t i, std::uint64_t hash, std::size_t position);
  bool integer_key(const Batch& batch, std::span<const std::size_t> key_columns) const;
  void check_key(const Batch& batch, std::span<const std::size_t> key_columns, std::size_t count) const;

  void store_bytes(Row row, std::size_t column, std::string_view bytes);
  void store_from(Row row, std::size_t column, const Column& from, std::size_t from_row);
  void place_bytes(Row row, std::size_t column, std::string_view bytes);
  bool any_null(std::span<const Row> rows, std::size_t column) const;
  template <class T>
  Column gather_fixed(std::span<const Row> rows, std::size_t column) const;
  Column gather_bytes(std::span<const Row> rows, std::size_t column) const;
  template <bool kMark>
  void append_rows(const Batch& batch, std::span<const std::size_t> key_columns,
                   std::span<const std::uint64_t> prefix_hashes, std::span<Row> rows, std::size_t begin);
  void look_ahead_prefix(std::span<const std::uint64_t> hashes, std::size_t i) const;
  void find_in_prefix(const Batch& batch, std::span<const std::size_t> key_columns, std::span<Row> rows,
                      std::size_t begin) const;
  std::size_t erase_appended(std::int64_t time);
  void remove_appended(Row row);
  void leave(Row row);
  void give_back(Row row);
  void reap();
  void start_row(Row row);
  void load_column(std::span<const Row> rows, std::size_t column, const Column& values, std::size_t begin);
  void load_values(const Batch& batch, std::size_t begin, std::span<const Row> rows);
  void store_eight(std::span<const Row> rows, std::size_t column, const std::int64_t* values);
  void store_key(Row row, std::size_t column, const Column& from, std::size_t from_row);
  void release_bytes(Row row, std::size_t column);
  void set_time(Row row, std::int64_t time, bool null);
  template <class Same>
  void link_prefix(Row row, std::uint32_t id, std::uint64_t hash, const Same& same);
  void link_prefix(Row row, std::uint32_t id);
  void unlink_prefix(Row row);
  void link_time(Row row, std::uint32_t id);
  void unlink_time(Row row);
  std::uint32_t id_of(Row row) const;
  void remove(Row row);
  std::uint64_t hash_of(Row row, std::size_t key_columns) const;

  TableSpec spec_;
  RowLayout layout_;
  RowPages pages_;
  StringHeap heap_;
  SlotMap slots_;         // key -> row
  SlotMap prefix_slots_;  // key prefix -> first row of its list
  TimeIndex time_;
  Changes changes_;
  std::vector<std::size_t> key_indexes_;  // 0, 1, … as many as key columns
  std::size_t time_column_ = SIZE_MAX;    // SIZE_MAX = none
  std::size_t rows_ = 0;
  std::shared_ptr<RowPin> pin_;  // of an append-only table
  RowList leaving_;              // rows that left while a capture referred to them
  std::int64_t erased_before_ = INT64_MIN;
};

}  // namespace stream
