#include "stages/exec/exchange.h"

#include <algorithm>

namespace stream {
namespace {

constexpr std::string_view kEchoBegin = R"({"_barrier":)";

// As programs print JSON: with blanks or without.
std::string without_blanks(std::string_view line) {
  std::string out(line);
  std::erase_if(out, [](char c) { return c == ' ' || c == '\t' || c == '\r'; });
  return out;
}

}  // namespace

void Exchange::begin(std::size_t rows) {
  open_ = true;
  rows_ = rows;
  lines_ = 0;
  done_ = mode_ == ExecMode::kLine && rows == 0;
  ++barrier_;
}

std::string Exchange::last_line() const {
  return mode_ == ExecMode::kBarrier ? std::string(kEchoBegin) + " " + std::to_string(barrier_) + "}\n" : "";
}

Exchange::Meaning Exchange::on_line(std::string_view line) {
  if (mode_ == ExecMode::kLine) {
    if (!open_ || done_) return Meaning::kSurplus;
    done_ = ++lines_ == rows_;
    return Meaning::kAnswer;
  }
  if (mode_ == ExecMode::kBatch || line.find("_barrier") == std::string_view::npos) return Meaning::kAnswer;
  const std::string bare = without_blanks(line);
  if (!bare.starts_with(kEchoBegin)) return Meaning::kAnswer;
  if (!open_ || done_ || bare != std::string(kEchoBegin) + std::to_string(barrier_) + "}") return Meaning::kWrongEcho;
  done_ = true;
  return Meaning::kEcho;
}

std::string_view fault_of(Exchange::Meaning meaning) {
  if (meaning == Exchange::Meaning::kSurplus)
    return "it wrote a line too many; in mode line each line is answered by exactly one";
  if (meaning == Exchange::Meaning::kWrongEcho) return "it echoed a barrier that was not the last one given";
  return "";
}

}  // namespace stream
