// A pipeline said in one line: "read-file x --follow | filter 'status >= 500'".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "supervisor/pipeline.h"
#include "supervisor/stage_info.h"

namespace stream {

struct Word {
  std::string text;
  std::size_t offset = 0;     // bytes from the start of the line
  bool quoted_whole = false;  // stands letter by letter behind one opening quote
};

// Words of each stage. POSIX quoting without expansion; within single quotes '' is one quote.
// Reports quotes that are not closed and empty stages; the file of places is "pipeline".
std::vector<std::vector<Word>> split_pipeline(std::string_view text, Problems& problems);

// "adhoc-HASH": what a job without a name is called, by what makes it the job it is.
std::string adhoc_name(std::string_view text);

// The whole: a source `read-file -` before and a sink `print` (format ndjson) behind where there
// is none; stages are named after their programs, filter, filter-2. `name` "" makes it
// adhoc-HASH. What is wrong goes to `problems`.
PipelineSpec parse_pipeline(std::string_view text, const std::string& name, const std::string& folder,
                            Catalogue& catalogue, Problems& problems);

}  // namespace stream
