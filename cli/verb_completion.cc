#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "cli/command.h"
#include "cli/verb.h"

namespace stream {
namespace {

std::string names() {
  std::string text;
  for (const Verb& verb : verbs()) text += (text.empty() ? "" : " ") + std::string(verb.name);
  return text;
}

std::string bash() {
  return "_stream() {\n  local word=${COMP_WORDS[COMP_CWORD]}\n  if [[ $COMP_CWORD -eq 1 ]]; then\n"
         "    COMPREPLY=($(compgen -W '" +
         names() +
         "' -- \"$word\"))\n"
         "  elif [[ ${COMP_WORDS[1]} == help ]]; then\n    COMPREPLY=($(compgen -W '" +
         names() +
         "' -- \"$word\"))\n"
         "  elif [[ ${COMP_WORDS[1]} == stages ]]; then\n"
         "    COMPREPLY=($(compgen -W \"$(stream stages 2>/dev/null | cut -d' ' -f1)\" -- \"$word\"))\n"
         "  else\n    COMPREPLY=($(compgen -f -- \"$word\"))\n  fi\n}\ncomplete -o filenames -F _stream "
         "stream\n";
}

std::string zsh() {
  std::string out = "#compdef stream\nlocal -a verbs\nverbs=(\n";
  for (const Verb& verb : verbs()) {
    std::string summary;
    for (const char c : verb.summary) summary += c == ':' ? std::string("\\:") : std::string(1, c);
    out += "  '" + std::string(verb.name) + ":" + summary + "'\n";
  }
  return out + ")\nif (( CURRENT == 2 )); then\n  _describe verb verbs\nelse\n  _files\nfi\n";
}

std::string fish() {
  std::string out;
  for (const Verb& verb : verbs()) {
    out += "complete -c stream -n __fish_use_subcommand -f -a " + std::string(verb.name) + " -d '" +
           std::string(verb.summary) + "'\n";
  }
  return out;
}

}  // namespace

int verb_completion(std::span<const std::string> args) {
  std::string shell;
  const auto declare = [&](CLI::App& app) {
    app.add_option("SHELL", shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  };
  return run_verb("completion", args, declare, [&] {
    const std::string script = shell == "bash" ? bash() : shell == "zsh" ? zsh() : fish();
    std::fputs(script.c_str(), stdout);
    return kDone;
  });
}

}  // namespace stream
