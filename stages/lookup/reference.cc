#include "stages/lookup/reference.h"

#include "stages/kit/format_values.h"
#include "stages/lookup/file_reader.h"
#include "stages/lookup/postgres_reader.h"
#include "stages/lookup/sqlite_reader.h"
#include "transport/base/text.h"

namespace stream {
namespace {

std::string absolute(const std::string& folder, const std::string& path) {
  return path.starts_with('/') || folder.empty() ? path : folder + "/" + path;
}

// "data/countries.csv.gz" -> countries
std::string stem(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  return name.substr(0, name.find('.', 1));
}

std::string alias_of(const Values& options, const Reference& reference) {
  if (options.has("as")) return options.text("as");
  if (!reference.table.empty()) return reference.table.substr(reference.table.rfind('.') + 1);
  return reference.kind == ReferenceKind::kFile ? stem(reference.path) : "ref";
}

ReferenceKind kind_of(const Values& options) {
  if (options.has("dsn")) return ReferenceKind::kPostgres;
  return options.has("table") || options.has("query") ? ReferenceKind::kSqlite : ReferenceKind::kFile;
}

void check_place(const Values& options, std::vector<PlanError>& errors) {
  const auto wrong = [&](const char* option, std::string message, std::string hint) {
    errors.push_back({option, 0, std::move(message), std::move(hint)});
  };
  const bool named = options.has("table") || options.has("query");
  if (options.has("path") && options.has("dsn")) {
    wrong("dsn", "the reference is a file or a PostgreSQL database, not both", "leave out 'path' or 'dsn'");
  } else if (!options.has("path") && !options.has("dsn")) {
    wrong("path", "where to look rows up is missing",
          "give 'path', a file or with 'table' an SQLite database, or 'dsn' and 'table' for PostgreSQL");
  } else if (options.has("table") && options.has("query")) {
    wrong("query", "the reference is a table or a query, not both", "leave out 'table' or 'query'");
  } else if (options.has("dsn") && !named) {
    wrong("dsn", "which table of the database is missing", "give 'table' or 'query'");
  }
}

}  // namespace

Reference reference_of(const Values& options, const std::string& folder, std::vector<PlanError>& errors) {
  check_place(options, errors);
  Reference reference;
  reference.kind = kind_of(options);
  if (options.has("path")) reference.path = absolute(folder, options.text("path"));
  reference.folder = folder;
  reference.dsn = options.text("dsn");
  reference.table = options.text("table");
  reference.query = options.text("query");
  reference.option = options.has("table") ? "table" : options.has("query") ? "query" : "path";
  reference.alias = alias_of(options, reference);
  reference.format = format_options_of(options, reference.path, errors);
  reference.schema = options.text("reference-schema");
  return reference;
}

std::string describe(const Reference& reference) {
  const std::string place = reference.kind == ReferenceKind::kPostgres ? "PostgreSQL" : "'" + reference.path + "'";
  if (!reference.table.empty()) return "table '" + reference.table + "' of " + place;
  return reference.query.empty() ? place : "the query of " + place;
}

Result<Schema> find_reference_schema(const Reference& reference, std::string* option) {
  std::string ignored;
  std::string& at_fault = option == nullptr ? ignored : *option;
  at_fault = reference.schema.empty() ? reference.option : "reference-schema";
  if (!reference.schema.empty()) return parse_schema(reference.schema);
  switch (reference.kind) {
    case ReferenceKind::kFile: return schema_of_file(reference);
    case ReferenceKind::kSqlite: return schema_of_sqlite(reference, at_fault);
    case ReferenceKind::kPostgres: break;
  }
  return schema_of_postgres(reference, at_fault);
}

std::unique_ptr<ReferenceReader> make_reader(const Reference& reference, SchemaPtr schema,
                                             std::vector<std::size_t> key) {
  switch (reference.kind) {
    case ReferenceKind::kFile: return make_file_reader(reference, std::move(schema));
    case ReferenceKind::kSqlite: return make_sqlite_reader(reference, std::move(schema), std::move(key));
    case ReferenceKind::kPostgres: break;
  }
  return make_postgres_reader(reference, std::move(schema), std::move(key));
}

Status check_size(const Reference& reference, std::uint64_t bytes, std::uint64_t bytes_max) {
  if (bytes <= bytes_max) return {};
  const std::string what =
      describe(reference) + " has more than the " + format_size(bytes_max) + " that this stage may use";
  return usage_error(what + (reference.kind == ReferenceKind::kFile
                                 ? "; raise 'memory', or put it into a database"
                                 : "; raise 'memory', or give 'cache' to keep a part of it only"));
}

bool found_by_key(ReferenceKind kind, Type type) {
  if (kind == ReferenceKind::kPostgres) return type.kind != TypeKind::kJson;
  // SQLite has no type for the others: the same value may be written in several ways.
  return type.kind == TypeKind::kBigint || type.kind == TypeKind::kVarchar || type.kind == TypeKind::kDouble ||
         type.kind == TypeKind::kBoolean || type.kind == TypeKind::kDate || type.kind == TypeKind::kBlob;
}

}  // namespace stream
