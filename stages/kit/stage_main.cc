#include <malloc.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <iterator>

#include "stages/kit/by_hand.h"
#include "stages/kit/describe.h"
#include "stages/kit/exit_code.h"
#include "stages/kit/option_parse.h"
#include "stages/kit/plan_json.h"
#include "stages/kit/supervised.h"

namespace stream {
namespace {

// Batches come and go by the hundred a second: keep their memory instead of giving it back and
// faulting it in again each time.
void keep_freed_memory() {
  ::mallopt(M_MMAP_THRESHOLD, 64 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

Status answer(const StageProgram& program, const Values& values, std::string_view asked) {
  if (asked == "plan") {
    const std::string request{std::istreambuf_iterator<char>(std::cin), {}};
    STREAM_ASSIGN(const std::string reply, run_plan(program, request));
    std::cout << reply << '\n';
  } else {
    std::cout << answer_text(program, values);
  }
  std::cout.flush();
  return std::cout ? Status() : Status(Code::kSystem, "unable to write to standard output");
}

Status run(const StageProgram& program, int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  STREAM_ASSIGN(const Values values, parse_command_line(program, args));
  if (const std::string_view asked = answer_asked(values); !asked.empty()) return answer(program, values, asked);
  keep_freed_memory();
  if (values.has("control")) return run_supervised(program, values.text("control"));
  return run_by_hand(program, values);
}

}  // namespace

int stage_main(const StageProgram& program, int argc, char** argv) {
  Status status;
  try {
    status = run(program, argc, argv);
  } catch (const std::exception& error) { status = failed(error.what()); }
  if (!status.ok() && status.code() != Code::kInterrupted) {
    std::fprintf(stderr, "stream-%s: fatal: %s\n", std::string(program.name).c_str(), status.what().c_str());
  }
  return exit_code_of(status.code());
}

}  // namespace stream
