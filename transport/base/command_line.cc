#include "transport/base/command_line.h"

#include <CLI/CLI.hpp>

#include "transport/base/text.h"

namespace stream {
namespace {

// CLI11 names the option first: "--time: 1 required TEXT missing".
Status from_cli(const CLI::ParseError& error) {
  const std::string what = error.what();
  const std::string option = what.substr(0, what.find_first_of(": "));
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ArgumentMismatch) && option.starts_with("-")) {
    return usage_error("option '" + option + "' needs a value");
  }
  return usage_error(lower(what.substr(0, 1)) + what.substr(1, what.find('\n') - 1));
}

}  // namespace

Status read_command_line(CLI::App& app, std::span<const std::string> args) {
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
    return {};
  } catch (const CLI::ParseError& error) { return from_cli(error); }
}

}  // namespace stream
