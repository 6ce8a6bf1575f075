// What is wrong with a manifest or a pipeline, and where: collected, so that one run shows all.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "transport/base/status.h"

namespace stream {

// A place in a text a user wrote. Line and column count from 1; line 0 is the text as a whole.
struct Place {
  std::string file;
  int line = 0;
  int column = 0;
  friend auto operator<=>(const Place&, const Place&) = default;
};

std::string to_string(const Place& place);  // "web.yaml:3:9", "web.yaml"

struct Problem {
  Place at;
  std::string message;
};

class Problems {
 public:
  void add(Place at, std::string message);
  // Whatever is wrong in this file is said together with how it came in.
  void included(const std::string& file, const std::string& how);
  bool empty() const { return problems_.empty(); }

  // By place, each once.
  std::vector<Problem> sorted() const;
  // A line each, "file:line:column: message", without a line feed behind the last.
  std::string text() const;
  // OK, or kUsage with text().
  Status status() const;

 private:
  std::vector<Problem> problems_;
  std::map<std::string, std::vector<std::string>> included_;  // file -> how
};

}  // namespace stream
