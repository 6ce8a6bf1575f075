#include "snapshot/table_fit.h"

#include <optional>

#include "snapshot/grouping.h"

namespace stream {
namespace {

std::string list(const std::vector<Field>& fields) {
  std::string out;
  for (const Field& field : fields) out += (out.empty() ? "" : ", ") + field.name + " " + to_string(field.type);
  return "(" + out + ")";
}

std::string was(const std::string& what, std::string_view kept, std::string_view wanted) {
  const auto named = [](std::string_view text) { return text.empty() ? std::string("nothing") : std::string(text); };
  return what + " was " + named(kept) + " and is " + named(wanted) + " now";
}

class Fitting {
 public:
  Fitting(const TableSpec& kept, const TableSpec& wanted) : kept_(kept), wanted_(wanted) {
    fit_.columns.resize(wanted.columns(), TableFit::kNone);
  }

  TableFit run() {
    compare_rows();
    if (!fit_.misfits.empty()) return std::move(fit_);
    for (std::size_t i = 0; i < kept_.key.size(); ++i) fit_.columns[i] = i;
    for (std::size_t i = kept_.key.size(); i < kept_.columns(); ++i) place(i);
    for (std::size_t i = wanted_.key.size(); i < wanted_.columns(); ++i) {
      if (fit_.columns[i] == TableFit::kNone) fit_.added.push_back(wanted_.field(i).name);
    }
    return std::move(fit_);
  }

 private:
  void misfit(std::string why) { fit_.misfits.push_back(std::move(why)); }

  void compare_rows() {
    if (kept_.distribution != wanted_.distribution) {
      misfit(was("its distribution", to_string(kept_.distribution), to_string(wanted_.distribution)));
    }
    if (kept_.key != wanted_.key) misfit(was("its key", list(kept_.key), list(wanted_.key)));
    if (kept_.definition != wanted_.definition) misfit(was("it", kept_.definition, wanted_.definition));
    if (fit_.misfits.empty() && group_columns_of(kept_) != group_columns_of(wanted_)) {
      misfit("its rows belong to other key groups");
    }
  }

  // Snapshots of programs that said nothing of meaning are taken by name.
  bool same_meaning(std::size_t kept, std::size_t wanted) const {
    const std::string_view before = kept_.definition_of(kept);
    return before.empty() || before == wanted_.definition_of(wanted);
  }

  std::optional<std::size_t> find(std::size_t kept) const {
    const auto named = wanted_.find(kept_.field(kept).name);
    if (named && *named >= wanted_.key.size() && same_meaning(kept, *named)) return named;
    const std::string_view means = kept_.definition_of(kept);
    for (std::size_t i = wanted_.key.size(); !means.empty() && i < wanted_.columns(); ++i) {
      if (wanted_.definition_of(i) == means) return i;
    }
    return std::nullopt;
  }

  void place(std::size_t kept) {
    const Field& field = kept_.field(kept);
    const std::string column = "column '" + field.name + "'";
    const std::string_view means = kept_.definition_of(kept);
    if (const auto at = find(kept)) {
      if (wanted_.field(*at).type == field.type) {
        fit_.columns[*at] = kept;
        return;
      }
      return misfit(was(column, to_string(field.type), to_string(wanted_.field(*at).type)));
    }
    if (const auto named = wanted_.find(field.name)) return misfit(was(column, means, wanted_.definition_of(*named)));
    misfit(column + (means.empty() ? "" : ", " + std::string(means) + ",") + " would be lost");
  }

  const TableSpec& kept_;
  const TableSpec& wanted_;
  TableFit fit_;
};

}  // namespace

TableFit fit_table(const TableSpec& kept, const TableSpec& wanted) { return Fitting(kept, wanted).run(); }

}  // namespace stream
