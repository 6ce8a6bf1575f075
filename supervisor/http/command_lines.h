// What a verb prints, on its way over HTTP: a line of JSON for each piece of it.
//
//   {"stdout":"…"}  {"stderr":"…"}      text
//   {"stdout64":"…"}  {"stderr64":"…"}  bytes that are no UTF-8, in base64
//   {"exit":N}  {"signal":N}            how it has ended; the last line
//   {}                                  it goes on, and has nothing to say
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "transport/base/status.h"

namespace stream::http {

inline constexpr std::size_t kCommandLineMax = 1U << 20;  // bytes; pieces are a sixteenth of it

// One of the two outputs, as pieces of it come. A character that two pieces share waits for the second.
class CommandOutput {
 public:
  explicit CommandOutput(std::string_view name) : name_(name) {}
  std::string add(std::string_view bytes);
  std::string end();  // what has waited in vain

 private:
  std::string line(std::string_view bytes) const;
  const std::string name_;
  std::string rest_;  // the beginning of a character
};

std::string exit_line(int code);
std::string signal_line(int number);
inline constexpr std::string_view kSilenceLine = "{}\n";

struct CommandLine {
  enum class What : std::uint8_t { kSilence, kOut, kErr, kExit, kSignal };
  What what = What::kSilence;
  std::string bytes = {};
  int number = 0;
};
// Of a line without its end. Errors: kCorrupt.
Result<CommandLine> read_command_line(std::string_view line);

}  // namespace stream::http
