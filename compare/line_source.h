// LineSource: the lines of a file, or of all files of a folder, one after the other.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "compare/result_reader.h"

namespace stream {

class LineSource {
 public:
  // Folders are read with all below them; hidden files, which are not complete, and empty marks are left out.
  // `growing`: what is appended later is read later, and a line that has no end yet with it.
  static Result<LineSource> open(const std::string& path, ResultForm form, bool growing);

  // False at the end, perhaps of now.
  Result<bool> next(std::string& line);
  bool first_of_file() const { return line_ == 1; }
  std::string place() const;  // of that line: FILE:LINE

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  Status read_line();

  std::vector<std::string> files_;
  bool growing_ = false;
  std::size_t at_ = 0;
  std::unique_ptr<std::FILE, Close> file_;
  std::uint64_t line_ = 0;
  std::string pending_;  // a line, or what there is of one
};

}  // namespace stream
