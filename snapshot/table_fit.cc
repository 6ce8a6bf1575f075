#include "snapshot/table_fit.h"

#include <algorithm>
#include <optional>

#include "snapshot/grouping.h"

namespace stream {
namespace {

constexpr int kBigintDigits = 19;

std::string list(const std::vector<Field>& fields) {
  std::string out;
  for (const Field& field : fields) out += (out.empty() ? "" : ", ") + field.name + " " + to_string(field.type);
  return "(" + out + ")";
}

std::string was(const std::string& what, std::string_view kept, std::string_view wanted) {
  const auto named = [](std::string_view text) { return text.empty() ? std::string("nothing") : std::string(text); };
  return what + " was " + named(kept) + " and is " + named(wanted) + " now";
}

std::string said(const std::string& column) { return "column '" + column + "'"; }

std::string quoted(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

std::string literal(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

std::string cast(const std::string& text, Type type) { return "cast(" + text + " as " + to_string(type) + ")"; }

// The last clause, where it says for how long rows are kept: "known for 1h". Another time holds from then on.
std::string_view kept_for(std::string_view definition) {
  for (const std::string_view clause : {"known for ", "kept for "}) {
    const std::size_t at = definition.rfind(clause);
    if (at == std::string_view::npos || (at != 0 && !definition.substr(0, at).ends_with(", "))) continue;
    if (definition.find(',', at) == std::string_view::npos) return definition.substr(at);
  }
  return {};
}

Schema schema_of(const TableSpec& spec) {
  Schema schema;
  for (std::size_t i = 0; i < spec.columns(); ++i) schema.fields.push_back(spec.field(i));
  return schema;
}

class Fitting {
 public:
  Fitting(const TableSpec& kept, const TableSpec& wanted, const TableEvolution& evolution, const RowLanguage* language)
      : original_(kept),
        kept_(renamed(kept, evolution.columns)),
        wanted_(wanted),
        entries_(evolution.columns),
        language_(language),
        dropped_(kept.columns(), false),
        read_(kept.columns(), false) {
    fit_.columns.resize(wanted.columns());
    fit_.matched.assign(entries_.size(), false);
  }

  TableFit run() {
    match_renames();
    compare_rows();
    if (!fit_.fits()) return std::move(fit_);
    for (std::size_t i = 0; i < kept_.key.size(); ++i) fit_.columns[i].kept = i;
    for (std::size_t i = 0; i < entries_.size(); ++i) apply(i);
    for (const bool renames : {true, false}) {
      for (std::size_t i = kept_.key.size(); i < kept_.columns(); ++i) {
        if ((kept_.field(i).name != original_.field(i).name) == renames) place(i);
      }
    }
    begin_others();
    return std::move(fit_);
  }

 private:
  void misfit(TableMisfit misfit) { fit_.misfits.push_back(std::move(misfit)); }

  // An entry speaks of a column, or of what definitions read.
  void match_renames() {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      const ColumnEvolution& entry = entries_[i];
      if (entry.was.empty()) continue;
      if (original_.find(entry.was)) {
        fit_.changes.push_back(said(entry.was) + " becomes '" + entry.name + "'");
        fit_.matched[i] = true;
        continue;
      }
      const TableSpec read = renamed(original_, {entry});
      if (read == original_) continue;
      fit_.changes.push_back("'" + entry.was + "' is called '" + entry.name + "'");
      fit_.matched[i] = true;
    }
  }

  void compare_rows() {
    if (kept_.distribution != wanted_.distribution) {
      misfit({was("its distribution", to_string(kept_.distribution), to_string(wanted_.distribution))});
    }
    if (kept_.key != wanted_.key) misfit({was("its key", list(kept_.key), list(wanted_.key))});
    compare_meaning();
    if (fit_.fits() && group_columns_of(kept_) != group_columns_of(wanted_)) {
      misfit({"its rows belong to other key groups"});
    }
  }

  void compare_meaning() {
    if (kept_.definition == wanted_.definition) return;
    const std::string_view before = kept_.definition;
    const std::string_view now = wanted_.definition;
    const std::string_view long_before = kept_for(before);
    const std::string_view long_now = kept_for(now);
    const bool alike =
        !long_before.empty() && !long_now.empty() &&
        before.substr(0, before.size() - long_before.size()) == now.substr(0, now.size() - long_now.size());
    if (alike)
      fit_.notes.push_back(was("it", long_before, long_now) + ", which holds from here on");
    else
      misfit({was("it", before, now)});
  }

  void apply(std::size_t index) {
    const ColumnEvolution& entry = entries_[index];
    if (entry.drop) drop(index);
    const auto at = wanted_.find(entry.name);
    if (!at || (entry.convert.empty() && !entry.fallback)) return;
    if (*at < wanted_.key.size()) {
      return misfit({said(entry.name) + " is part of the key, which says whose a row is, and stays as it is"});
    }
    if (!entry.convert.empty()) {
      fit_.matched[index] = true;
      compute(*at, entry.convert, "");
      return;
    }
    const auto same = kept_.find(entry.name);
    if (same && !dropped_[*same]) return;  // its values are there
    fit_.matched[index] = true;
    begin_with(*at, *entry.fallback);
  }

  void drop(std::size_t index) {
    const auto at = original_.find(entries_[index].name);
    if (!at) return;
    fit_.matched[index] = true;
    if (*at < original_.key.size()) {
      return misfit(
          {said(entries_[index].name) + " is part of the key, which says whose a row is: it cannot be dropped"});
    }
    dropped_[*at] = true;
    fit_.changes.push_back(said(entries_[index].name) + " is dropped");
  }

  std::shared_ptr<const RowFunction> compile(const std::string& name, const std::string& text) {
    if (language_ == nullptr) {
      misfit({said(name) + " has to be converted"});
      return nullptr;
    }
    auto function = language_->compile(text, schema_of(original_));
    if (function.ok()) return *std::move(function);
    misfit({said(name) + ": " + function.status().what()});
    return nullptr;
  }

  void compute(std::size_t column, const std::string& text, const std::string& change) {
    const Field& field = wanted_.field(column);
    auto function = compile(field.name, text);
    if (!function) return;
    if (function->type() != field.type && widens(function->type(), field.type)) {
      function = compile(field.name, cast(text, field.type));
      if (!function) return;
    }
    if (function->type() != field.type) {
      return misfit({said(field.name) + " is " + to_string(field.type) + ", but '" + text + "' gives " +
                         to_string(function->type()),
                     "", cast(text, field.type)});
    }
    for (const std::size_t read : function->columns()) read_[read] = true;
    fit_.changes.push_back(change.empty() ? said(field.name) + " becomes " + text : change);
    fit_.columns[column].function = std::move(function);
  }

  void begin_with(std::size_t column, const std::string& value) {
    const Field& field = wanted_.field(column);
    const auto function = compile(field.name, cast(literal(value), field.type));
    if (!function) return;
    Batch one{nullptr, 1, {}, {}};
    for (std::size_t i = 0; i < original_.columns(); ++i)
      one.columns.push_back(null_column(original_.field(i).type, 1));
    if (!function->compute(one).ok()) {
      return misfit({said(field.name) + ": its default '" + value + "' is no " + to_string(field.type)});
    }
    fit_.changes.push_back(said(field.name) + " begins as " + value);
    fit_.columns[column].function = function;
  }

  // Snapshots of programs that said nothing of meaning are taken by name.
  bool same_meaning(std::size_t kept, std::size_t wanted) const {
    const std::string_view before = kept_.definition_of(kept);
    return before.empty() || before == wanted_.definition_of(wanted);
  }

  bool open(std::size_t wanted) const { return wanted >= wanted_.key.size() && fit_.columns[wanted].begins(); }

  std::optional<std::size_t> find(std::size_t kept) const {
    const auto named = wanted_.find(kept_.field(kept).name);
    if (named && open(*named) && same_meaning(kept, *named)) return named;
    const std::string_view means = kept_.definition_of(kept);
    for (std::size_t i = wanted_.key.size(); !means.empty() && i < wanted_.columns(); ++i) {
      if (open(i) && wanted_.definition_of(i) == means) return i;
    }
    return std::nullopt;
  }

  void place(std::size_t kept) {
    if (dropped_[kept]) return;
    const Field& field = kept_.field(kept);
    const std::string& then = original_.field(kept).name;
    const std::string_view means = kept_.definition_of(kept);
    if (const auto at = find(kept)) return take(kept, *at);
    if (read_[kept]) return;
    const auto named = wanted_.find(field.name);
    if (named && open(*named)) { return misfit({was(said(then), means, wanted_.definition_of(*named)), then}); }
    misfit({said(then) + (means.empty() ? "" : ", " + std::string(means) + ",") + " would be lost", then});
  }

  void take(std::size_t kept, std::size_t wanted) {
    const Type before = kept_.field(kept).type;
    const Field& now = wanted_.field(wanted);
    const std::string& then = original_.field(kept).name;
    const std::string change = was(said(then), to_string(before), to_string(now.type));
    if (before == now.type) {
      fit_.columns[wanted].kept = kept;
      if (kept_.field(kept).name != now.name) fit_.changes.push_back(said(then) + " becomes '" + now.name + "'");
    } else if (widens(before, now.type)) {
      compute(wanted, cast(quoted(then), now.type), change);
    } else {
      misfit({change, then, cast(then, now.type)});
    }
  }

  void begin_others() {
    for (std::size_t i = wanted_.key.size(); i < wanted_.columns(); ++i) {
      if (open(i)) fit_.added.push_back(wanted_.field(i).name);
    }
  }

  const TableSpec& original_;  // names as expressions read them
  const TableSpec kept_;       // names as they are now
  const TableSpec& wanted_;
  const std::vector<ColumnEvolution>& entries_;
  const RowLanguage* language_;
  std::vector<bool> dropped_;  // of the kept columns
  std::vector<bool> read_;     // by a conversion
  TableFit fit_;
};

Result<Column> values_of(const ColumnOrigin& origin, const Field& field, bool zero, const Batch& kept) {
  if (origin.kept != ColumnOrigin::kNone) return kept.columns[origin.kept];
  if (!origin.function) return zero ? zero_column(field.type, kept.rows) : null_column(field.type, kept.rows);
  auto column = origin.function->compute(kept);
  if (column.ok()) return column;
  return usage_error(said(field.name) + ": " + column.status().what());
}

}  // namespace

bool TableFit::computes() const {
  return std::ranges::any_of(columns, [](const ColumnOrigin& origin) { return origin.function != nullptr; });
}

bool TableFit::may_fail() const {
  return std::ranges::any_of(
      columns, [](const ColumnOrigin& origin) { return origin.function != nullptr && !origin.function->total(); });
}

TableFit fit_table(const TableSpec& kept, const TableSpec& wanted, const TableEvolution& evolution,
                   const RowLanguage* language) {
  return Fitting(kept, wanted, evolution, language).run();
}

Status fit_status(const TableFit& fit, const TableSpec& wanted) {
  if (fit.fits()) return {};
  return usage_error("the snapshot does not fit state table '" + wanted.name + "': " + fit.misfits.front().why);
}

Result<Batch> fitted_rows(const TableFit& fit, const TableSpec& wanted, const Batch& kept) {
  Batch out{nullptr, kept.rows, {}, {}};
  for (std::size_t i = 0; i < fit.columns.size(); ++i) {
    STREAM_ASSIGN(Column column, values_of(fit.columns[i], wanted.field(i), wanted.starts_at_zero(i), kept));
    out.columns.push_back(std::move(column));
  }
  return out;
}

bool widens(Type from, Type to) {
  if (from == to) return true;
  if (to.kind == TypeKind::kVarchar) return from.kind == TypeKind::kJson;
  if (to.kind != TypeKind::kDecimal) return false;
  if (from.kind == TypeKind::kBigint) return to.precision - to.scale >= kBigintDigits;
  return from.kind == TypeKind::kDecimal && to.scale >= from.scale &&
         to.precision - to.scale >= from.precision - from.scale;
}

}  // namespace stream
