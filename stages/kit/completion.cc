#include <algorithm>
#include <vector>

#include "stages/kit/describe.h"
#include "stages/kit/option_table.h"
#include "transport/base/check.h"
#include "transport/base/text.h"

namespace stream {
namespace {

std::vector<Option> shown(const StageProgram& program) {
  std::vector<Option> options = command_line_options(program.options);
  std::erase_if(options, [](const Option& option) { return option.hidden; });
  return options;
}

std::string spaced(std::string_view choices) { return join(split(choices, '|'), " "); }

std::string function_name(const StageProgram& program) {
  std::string name = "_stream_" + std::string(program.name);
  std::ranges::replace(name, '-', '_');
  return name;
}

std::string bash(const StageProgram& program) {
  const std::string function = function_name(program);
  std::string flags;
  std::string out = function + "() {\n  local word=${COMP_WORDS[COMP_CWORD]}\n  case ${COMP_WORDS[COMP_CWORD-1]} in\n";
  for (const Option& option : shown(program)) {
    flags += (flags.empty() ? "--" : " --") + std::string(option.name);
    const std::string head = "    --" + std::string(option.name) + ") ";
    if (option.kind == OptionKind::kChoice) {
      out += head + "COMPREPLY=($(compgen -W '" + spaced(option.choices) + "' -- \"$word\")); return ;;\n";
    } else if (option.kind == OptionKind::kPath) {
      out += head + "COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n";
    } else if (option.kind != OptionKind::kFlag) {
      out += head + "COMPREPLY=(); return ;;\n";
    }
  }
  out += "  esac\n  if [[ $word == -* ]]; then\n    COMPREPLY=($(compgen -W '" + flags +
         "' -- \"$word\"))\n  else\n    COMPREPLY=($(compgen -f -- \"$word\"))\n  fi\n}\n";
  return out + "complete -o filenames -F " + function + " stream-" + std::string(program.name) + "\n";
}

// For a zsh specification within single quotes.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'')
      out += "'\\''";
    else if (c == '[' || c == ']' || c == ':' || c == '\\')
      out.append("\\").append(1, c);
    else
      out += c;
  }
  return out;
}

std::string zsh_action(const Option& option) {
  if (option.kind == OptionKind::kFlag) return "";
  std::string out = ":" + zsh_text(option.arg) + ":";
  if (option.kind == OptionKind::kChoice) out += "(" + spaced(option.choices) + ")";
  if (option.kind == OptionKind::kPath) out += "_files";
  return out;
}

std::string zsh(const StageProgram& program) {
  std::string out = "#compdef stream-" + std::string(program.name) + "\n_arguments \\\n";
  for (const Option& option : shown(program)) {
    out += std::string("  '") + (option.repeated ? "*" : "") + "--" + std::string(option.name) + "[" +
           zsh_text(option.doc) + "]" + zsh_action(option) + "' \\\n";
  }
  return out + "  '*:file:_files'\n";
}

std::string fish(const StageProgram& program) {
  std::string out;
  for (const Option& option : shown(program)) {
    std::string doc;
    for (const char c : option.doc) doc += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    out += "complete -c stream-" + std::string(program.name) + " -l " + std::string(option.name) + " -d '" + doc + "'";
    if (option.kind == OptionKind::kChoice)
      out += " -x -a '" + spaced(option.choices) + "'";
    else if (option.kind == OptionKind::kPath)
      out += " -r";
    else if (option.kind != OptionKind::kFlag)
      out += " -x";
    out += "\n";
  }
  return out;
}

}  // namespace

std::string completion_script(const StageProgram& program, std::string_view shell) {
  if (shell == "bash") return bash(program);
  if (shell == "zsh") return zsh(program);
  STREAM_CHECK(shell == "fish");
  return fish(program);
}

}  // namespace stream
