// The fields of a record of CSV, RFC 4180.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace stream {

struct CsvField {
  std::string text;
  bool quoted = false;  // so that "" is a text, and nothing is NULL
};

// False if a field in quotes has not ended with the record: it goes on in the next line.
bool split_csv(std::string_view record, char delimiter, std::vector<CsvField>& fields);

}  // namespace stream
