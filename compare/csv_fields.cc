#include "compare/csv_fields.h"

namespace stream {

bool split_csv(std::string_view record, char delimiter, std::vector<CsvField>& fields) {
  fields.clear();
  std::size_t at = 0;
  for (;;) {
    CsvField& field = fields.emplace_back();
    if (at < record.size() && record[at] == '"') {
      field.quoted = true;
      for (++at;; ++at) {
        if (at >= record.size()) return false;
        if (record[at] == '"' && (at + 1 >= record.size() || record[at + 1] != '"')) break;
        if (record[at] == '"') ++at;  // a quote is doubled
        field.text += record[at];
      }
      ++at;
    }
    for (; at < record.size() && record[at] != delimiter; ++at) field.text += record[at];
    if (at >= record.size()) return true;
    ++at;
  }
}

}  // namespace stream
