#include "cli/fit_report.h"

#include "cli/table.h"

namespace stream {
namespace {

std::vector<std::string> lines_of(const TableVerdict& table) {
  std::vector<std::string> lines;
  if (!table.was.empty()) lines.push_back("was " + table.was);
  lines.insert(lines.end(), table.reasons.begin(), table.reasons.end());
  for (std::size_t i = 0; i < table.remedies.size(); ++i) {
    lines.push_back((i == 0 ? "remedy: " : "or: ") + table.remedies[i]);
  }
  if (lines.empty()) lines.emplace_back();
  return lines;
}

}  // namespace

std::string fit_text(const StateFit& fit) {
  Table table({"STAGE", "TABLE", "STATE", "WHY"});
  for (const TableVerdict& one : fit.tables) {
    const std::vector<std::string> lines = lines_of(one);
    table.add({one.stage, one.table, std::string(verdict_name(one.verdict)), lines.front()});
    for (std::size_t i = 1; i < lines.size(); ++i) table.add({"", "", "", lines[i]});
  }
  std::string text = fit.tables.empty() ? "" : table.text();
  for (const std::string& problem : fit.problems) text += problem + "\n";
  return text;
}

nlohmann::ordered_json fit_json(const StateFit& fit) {
  nlohmann::ordered_json out = {{"fits", fit.fits(false)}, {"tables", nlohmann::ordered_json::array()}};
  for (const TableVerdict& table : fit.tables) {
    nlohmann::ordered_json item = {
        {"stage", table.stage}, {"table", table.table}, {"verdict", verdict_name(table.verdict)}};
    if (!table.was.empty()) item["was"] = table.was;
    item["reasons"] = table.reasons;
    item["remedies"] = table.remedies;
    out["tables"].push_back(std::move(item));
  }
  out["misfits"] = fit.misfits;
  out["lost"] = fit.lost;
  out["notes"] = fit.notes;
  out["remedies"] = fit.remedies;
  return out;
}

}  // namespace stream
