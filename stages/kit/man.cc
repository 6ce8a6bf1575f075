#include <algorithm>
#include <vector>

#include "stages/kit/describe.h"
#include "stages/kit/exit_code.h"
#include "stages/kit/option_table.h"
#include "transport/base/mdoc.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using mdoc::argument;
using mdoc::escaped;
using mdoc::paragraphs;
using mdoc::sentences;

void append_option(std::string& out, const Option& option) {
  out += ".It Fl Fl " + argument(option.name);
  if (!option.arg.empty()) out += " Ar " + argument(option.arg);
  out += "\n" + sentences(option.doc);
  if (!option.choices.empty()) out += escaped("One of " + join(split(option.choices, '|'), ", ") + ".") + "\n";
  if (!option.fallback.empty()) out += escaped("Default: " + std::string(option.fallback) + ".") + "\n";
  if (option.required) out += "Required.\n";
  if (option.repeated && option.kind != OptionKind::kCommand) out += "May be given several times.\n";
}

void append_options(std::string& out, std::string_view title, std::span<const Option> options,
                    std::span<const Option> own) {
  std::string list;
  for (const Option& option : options) {
    const bool replaced = options.data() != own.data() && find_option(own, option.name) != nullptr;
    if (!option.hidden && !replaced) append_option(list, option);
  }
  if (list.empty()) return;
  out.append(".Ss ").append(title).append("\n.Bl -tag -width Ds\n").append(list).append(".El\n");
}

std::string synopsis(const StageProgram& program) {
  std::string out = ".Sh SYNOPSIS\n.Nm\n.Op Ar \"OPTION ...\"\n";
  const auto positional = std::ranges::find(program.options, true, &Option::positional);
  if (positional == program.options.end()) return out;
  return out + (positional->required ? ".Ar " : ".Op Ar ") + argument(positional->arg) + "\n";
}

std::string flow(const StageProgram& program) {
  std::string out = ".Pp\n";
  if (program.kind == StageKind::kSource) out += "A source: it has no input.\n";
  if (program.kind == StageKind::kSink) out += "A sink: its only output are the records it could not write.\n";
  if (!program.outputs_option.empty()) {
    return out + "Beside its main output it has those named in\n.Ql " + std::string(program.outputs_option) +
           "\nand\n.Ql errors .\n";
  }
  if (program.outputs.empty()) return out == ".Pp\n" ? "" : out;
  out += "Beside its main output it has";
  for (const std::string_view name : program.outputs) {
    out += "\n.Ql " + std::string(name) + (name == program.outputs.back() ? "" : " ,");
  }
  return out + "\nand\n.Ql errors .\n";
}

std::string exit_status() {
  std::string out = ".Sh EXIT STATUS\n.Bl -tag -width Ds\n";
  for (const ExitCodeEntry& entry : kExitCodes) {
    out += ".It " + std::to_string(entry.code) + "\n" + escaped(entry.meaning) + "\n";
  }
  return out + ".El\n";
}

std::string examples(const StageProgram& program) {
  if (program.examples.empty()) return "";
  std::string out = ".Sh EXAMPLES\n";
  for (const ExampleFile& file : program.example_files) out += mdoc::file(file.name, file.text);
  for (const Example& example : program.examples) {
    if (!out.ends_with("EXAMPLES\n")) out += ".Pp\n";
    out += mdoc::example(example.explanation, example.command, example.output);
  }
  return out;
}

}  // namespace

std::string man_page(const StageProgram& program) {
  std::string out =
      mdoc::head("stream-" + std::string(program.name), program.summary) + synopsis(program) + ".Sh DESCRIPTION\n";
  out += program.description.empty() ? paragraphs(program.summary) : paragraphs(program.description);
  out += flow(program) + ".Sh OPTIONS\nOptions are keys of the stage in a manifest under the same names.\n";
  append_options(out, "Options of this stage", program.options, program.options);
  append_options(out, "Records", record_options(), program.options);
  append_options(out, "Process", mode_options(), program.options);
  out += exit_status() + examples(program);
  return out + ".Sh SEE ALSO\n.Xr stream 1 ,\n.Xr stream-manifest 5 ,\n.Xr stream-expression 7 ,\n.Xr stream-plan 7\n";
}

}  // namespace stream
