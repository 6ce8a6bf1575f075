#include <algorithm>
#include <vector>

#include "stages/kit/describe.h"
#include "stages/kit/option_table.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::size_t kDocColumn = 28;

std::string doc_of(const Option& option) {
  std::string doc(option.doc);
  if (!option.choices.empty()) doc += " One of " + join(split(option.choices, '|'), ", ") + ".";
  if (option.required) doc += " Required.";
  if (!option.fallback.empty()) doc += " [" + std::string(option.fallback) + "]";
  return doc;
}

void append_option(std::string& out, const Option& option) {
  std::string head = "  --" + std::string(option.name);
  if (!option.arg.empty()) head += " " + std::string(option.arg);
  if (head.size() + 2 > kDocColumn)
    head.append("\n").append(kDocColumn, ' ');
  else
    head.append(kDocColumn - head.size(), ' ');
  out += head;
  out += wrapped(doc_of(option), kDocColumn);
}

void append_group(std::string& out, std::string_view title, std::span<const Option> group,
                  std::span<const Option> own) {
  std::string lines;
  for (const Option& option : group) {
    const bool replaced = group.data() != own.data() && find_option(own, option.name) != nullptr;
    if (!option.hidden && !replaced) append_option(lines, option);
  }
  if (!lines.empty()) out.append("\n").append(title).append(":\n").append(lines);
}

}  // namespace

std::string help_text(const StageProgram& program) {
  const std::string name = "stream-" + std::string(program.name);
  std::string out = "usage: " + name + " [OPTION]...";
  const auto positional = std::ranges::find(program.options, true, &Option::positional);
  if (positional != program.options.end()) {
    out += positional->required ? " " + std::string(positional->arg) : " [" + std::string(positional->arg) + "]";
  }
  out += "\n";
  out += wrapped(name + ": " + std::string(program.summary), 0);
  append_group(out, "options", program.options, program.options);
  append_group(out, "records", record_options(), program.options);
  append_group(out, "process", mode_options(), program.options);
  if (!program.examples.empty()) out += "\nexamples:\n";
  for (const Example& example : program.examples) {
    out.append("  # ").append(wrapped(example.explanation, 4));
    out.append("  ").append(example.command).append("\n");
  }
  return out;
}

}  // namespace stream
