#include "compare/difference_printer.h"

#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace stream {
namespace {

using nlohmann::ordered_json;

const ResultValue& value_of(const ResultRecord& row, std::size_t column) {
  static const ResultValue kNull;
  const auto it = row.find(column);
  return it == row.end() ? kNull : it->second;
}

}  // namespace

Status print_line(const std::string& line) {
  return std::puts(line.c_str()) >= 0 ? Status() : system_error("write", "standard output", errno);
}

Status print_json_line(const ordered_json& line) {
  return print_line(line.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

bool DifferencePrinter::room() {
  if (printed_ >= settings_.limit) {
    ++left_out_;
    return false;
  }
  ++printed_;
  return true;
}

std::string DifferencePrinter::words(const ResultRecord& row, std::size_t begin, std::size_t end) const {
  std::string out;
  for (const auto& [column, value] : row) {
    if (column < begin || column >= end) continue;
    out += " " + columns_.names[column] + "=" + shown(value);
  }
  return out;
}

ordered_json DifferencePrinter::object(const ResultRecord& row, bool key, bool rest) const {
  ordered_json out = ordered_json::object();
  for (const auto& [column, value] : row) {
    if (column < columns_.keys ? key : rest) out[columns_.names[column]] = to_json(value);
  }
  return out;
}

Status DifferencePrinter::only(Side side, const ResultRecord& row, std::uint64_t times) {
  if (!room()) return {};
  if (!settings_.as_json) {
    return print_line((side == Side::kA ? "- " : "+ ") + of_ + words(row, 0, SIZE_MAX) +
                      (times > 1 ? "  (" + std::to_string(times) + " times)" : ""));
  }
  ordered_json line = {{"of", of_}, {"difference", side == Side::kA ? "only-in-a" : "only-in-b"}};
  if (columns_.keys > 0) line["key"] = object(row, true, false);
  line["row"] = object(row, true, true);
  if (times > 1) line["times"] = times;
  return print_json_line(line);
}

Status DifferencePrinter::differs(const ResultRecord& a, const ResultRecord& b, std::span<const std::size_t> columns,
                                  std::uint64_t times) {
  if (!room()) return {};
  if (settings_.as_json) {
    ordered_json line = {{"of", of_}, {"difference", "differs"}, {"key", object(a, true, false)}};
    line["columns"] = ordered_json::array();
    for (const std::size_t column : columns) line["columns"].push_back(columns_.names[column]);
    line["a"] = object(a, false, true);
    line["b"] = object(b, false, true);
    if (times > 1) line["times"] = times;
    return print_json_line(line);
  }
  std::string line = "~ " + of_ + words(a, 0, columns_.keys);
  for (const std::size_t column : columns) {
    line += "  " + columns_.names[column] + ": " + shown(value_of(a, column)) + " -> " + shown(value_of(b, column));
  }
  return print_line(line);
}

std::string sentence(const DiffCounts& counts, bool noted) {
  std::string out = std::to_string(counts.rows_a) + (counts.rows_a == 1 ? " row" : " rows") + " in A, " +
                    std::to_string(counts.rows_b) + " in B: ";
  if (counts.equal()) return out + (noted ? "equal in the columns that both have" : "equal");
  std::string parts;
  const auto part = [&](std::uint64_t count, const char* what) {
    if (count > 0) parts += (parts.empty() ? "" : ", ") + std::to_string(count) + what;
  };
  part(counts.only_a, " only in A");
  part(counts.only_b, " only in B");
  part(counts.differing, counts.differing == 1 ? " differs" : " differ");
  return out + parts;
}

ordered_json to_json(const DiffCounts& counts) {
  return {{"rows_a", counts.rows_a},
          {"rows_b", counts.rows_b},
          {"only_in_a", counts.only_a},
          {"only_in_b", counts.only_b},
          {"differing", counts.differing}};
}

}  // namespace stream
