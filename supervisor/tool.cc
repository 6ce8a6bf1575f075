#include "supervisor/tool.h"

#include <unistd.h>

#include <cstdlib>

#include "supervisor/child.h"
#include "transport/base/text.h"

namespace stream {
namespace {

std::string path_of(const std::string& name) {
  const char* path = std::getenv("PATH");
  for (const std::string& folder : split(path == nullptr ? "/usr/bin:/bin" : path, ':')) {
    std::string program = folder + "/" + name;
    if (!folder.empty() && ::access(program.c_str(), X_OK) == 0) return program;
  }
  return {};
}

}  // namespace

Result<std::string> run_tool(const std::string& name, const std::vector<std::string>& args, std::string_view input,
                             Microseconds patience) {
  const std::string program = path_of(name);
  if (program.empty()) return failed("unable to run '" + name + "': it is not installed here, or not in PATH");
  STREAM_ASSIGN(Finished finished, run_child(program, args, input, patience));
  if (finished.signal == 0 && finished.exit_code == 0) return std::move(finished.out);
  std::string said(trim(finished.err));
  for (char& c : said) c = c == '\n' ? ';' : c;
  return failed("'" + name + "' has failed: " + (said.empty() ? "it says nothing" : said));
}

}  // namespace stream
