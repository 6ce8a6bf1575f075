// Reference: the table that rows are looked up in: where it is, what its columns are, how it is read.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "stages/format/options.h"
#include "stages/kit/option.h"
#include "stages/kit/plan.h"
#include "transport/record/batch.h"

namespace stream {

enum class ReferenceKind : std::uint8_t { kFile, kSqlite, kPostgres };

struct Reference {
  ReferenceKind kind = ReferenceKind::kFile;
  std::string alias;     // what its columns are called by: alias.column
  std::string option;    // that names it: "path", "table" or "query"
  std::string path;      // of the file or database; absolute
  std::string folder;    // where a secret's file is looked for
  std::string dsn;       // names the secret that holds it
  std::string table;     // "" where it is a query
  std::string query;     // "" where it is a table
  FormatOptions format;  // of a file, and how its times are written
  std::string schema;    // as the user declared it; "" = to be found
};

// What the options say. What is wrong goes to `errors`.
Reference reference_of(const Values& options, const std::string& folder, std::vector<PlanError>& errors);

// "table 'customer' of 'c.db'": for messages.
std::string describe(const Reference& reference);

// The columns: as declared, or else as the database says or as a sample of the file shows. Errors: kUsage for
// what is not there or of no use; kSystem or kNotFound for what may come later. `option`: the one at fault.
Result<Schema> find_reference_schema(const Reference& reference, std::string* option = nullptr);

// Reads it. Blocks: for one thread that may wait. Only the columns of the schema it was made with are read.
class ReferenceReader {
 public:
  virtual ~ReferenceReader() = default;

  // Differs when the table has changed since it differed last; cheap to ask. "" where nothing tells.
  virtual Result<std::string> version() = 0;
  // Errors: kUsage if it has more than `bytes_max` bytes.
  virtual Result<std::vector<Batch>> read_all(std::uint64_t bytes_max) = 0;
  // The rows of these keys, which are different ones, without NULLs, one column for each of the key's.
  virtual Result<std::vector<Batch>> read_keys(const Batch& keys) = 0;
};

// `key`: columns of the schema that rows are found by.
std::unique_ptr<ReferenceReader> make_reader(const Reference& reference, SchemaPtr schema,
                                             std::vector<std::size_t> key);

// Errors: kUsage for a reference that does not fit into memory.
Status check_size(const Reference& reference, std::uint64_t bytes, std::uint64_t bytes_max);

// Whether rows can be found one key at a time by columns of this type, and why not.
bool found_by_key(ReferenceKind kind, Type type);

// Adds rows to batches of moderate size.
class BatchGatherer {
 public:
  explicit BatchGatherer(SchemaPtr schema) : builder_(std::move(schema)) {}
  BatchBuilder& builder() { return builder_; }
  void end_row() {
    builder_.end_row();
    if (builder_.full()) flush();
  }
  void flush() {
    if (builder_.rows() == 0) return;
    batches_.push_back(builder_.finish());
    bytes_ += batches_.back().size_bytes();
  }
  std::uint64_t bytes() const { return bytes_; }
  std::vector<Batch> finish() {
    flush();
    return std::move(batches_);
  }

 private:
  BatchBuilder builder_;
  std::vector<Batch> batches_;
  std::uint64_t bytes_ = 0;
};

}  // namespace stream
