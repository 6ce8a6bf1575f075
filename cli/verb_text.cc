#include "cli/verb_text.h"

#include <nlohmann/json.hpp>

#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::size_t kDocColumn = 28;

std::string doc_of(const VerbOption& option) {
  std::string doc(option.doc);
  if (!option.choices.empty()) doc += " One of " + join(split(option.choices, '|'), ", ") + ".";
  if (option.repeated) doc += " May be given several times.";
  if (!option.excludes.empty()) doc += " Not together with --" + std::string(option.excludes) + ".";
  if (!option.fallback.empty()) doc += " [" + std::string(option.fallback) + "]";
  return doc;
}

std::string option_line(const VerbOption& option) {
  std::string head = "  ";
  if (!option.positional) {
    head += option.letter == '\0' ? "" : std::string("-") + option.letter + ", ";
    head += "--" + std::string(option.name) + (option.arg.empty() ? "" : " ");
  }
  head += option.arg;
  if (head.size() + 2 > kDocColumn)
    head.append("\n").append(kDocColumn, ' ');
  else
    head.append(kDocColumn - head.size(), ' ');
  return head + wrapped(doc_of(option), kDocColumn);
}

std::string option_lines(std::span<const VerbOption> options, bool positional) {
  std::string lines;
  for (const VerbOption& option : options) {
    if (option.positional == positional) lines += option_line(option);
  }
  return lines;
}

std::string verb_line(const Verb& verb) {
  std::string line = "  " + std::string(verb.name);
  line.append(17 - line.size(), ' ');
  return line + std::string(verb.summary) + "\n";
}

std::string_view kind_name(ValueKind kind) {
  switch (kind) {
    case ValueKind::kText: return "text";
    case ValueKind::kFlag: return "flag";
    case ValueKind::kInteger: return "integer";
    case ValueKind::kDuration: return "duration";
    case ValueKind::kChoice: return "choice";
    case ValueKind::kPath: return "path";
    case ValueKind::kPipeline: return "pipeline";
    case ValueKind::kJob: return "job";
    case ValueKind::kRunningJob: return "running-job";
    case ValueKind::kIdleJob: return "idle-job";
    case ValueKind::kReference: return "savepoint";
    case ValueKind::kStageOfJob: return "stage-of-job";
    case ValueKind::kStageProgram: return "stage-program";
    case ValueKind::kVerb: return "verb";
  }
  return "";
}

nlohmann::ordered_json to_json(const VerbOption& option) {
  nlohmann::ordered_json out = {{"name", option.name}, {"kind", kind_name(option.kind)}};
  if (option.letter != '\0') out["letter"] = std::string(1, option.letter);
  if (!option.arg.empty()) out["arg"] = option.arg;
  out["doc"] = option.doc;
  if (!option.fallback.empty()) out["default"] = option.fallback;
  if (!option.choices.empty()) out["choices"] = split(option.choices, '|');
  for (const auto& [name, set] : {std::pair("positional", option.positional), std::pair("required", option.required),
                                  std::pair("repeated", option.repeated)}) {
    if (set) out[name] = true;
  }
  return out;
}

}  // namespace

std::string verb_usage(const Verb& verb) {
  std::string usage = "stream " + std::string(verb.name) + " [OPTION]...";
  for (const VerbOption& option : verb.table->options) {
    if (!option.positional) continue;
    usage += option.required ? " " + std::string(option.arg) : " [" + std::string(option.arg) + "]";
  }
  return usage;
}

std::string verb_help(const Verb& verb) {
  const std::string name = "stream " + std::string(verb.name);
  std::string out = "usage: " + verb_usage(verb) + "\n" + wrapped(name + ": " + std::string(verb.summary), 0);
  if (const std::string lines = option_lines(verb.table->options, true); !lines.empty())
    out += "\narguments:\n" + lines;
  out += "\noptions:\n" + option_lines(verb.table->options, false) + option_lines(common_verb_options(), false);
  out += "\nexamples:\n";
  for (const VerbExample& example : verb.table->examples) {
    out += "  # " + wrapped(example.explanation, 4) + "  " + std::string(example.command) + "\n";
  }
  return out + "\nmore: man " + page_of(verb) + "\n";
}

std::string group_help(std::string_view group) {
  std::string out = "usage: stream " + std::string(group) + " VERB [ARGUMENT]...\n\nverbs:\n";
  for (const Verb* verb : verbs_of_group(group)) out += verb_line(*verb);
  return out + "\n'stream help " + std::string(group) + " VERB' tells what a verb takes.\n";
}

std::string verbs_help() {
  std::string out = "usage: stream VERB [ARGUMENT]...\n\nverbs:\n";
  for (const Verb& verb : verbs()) out += verb_line(verb);
  return out +
         "\n'stream help VERB' tells what a verb takes, 'stream stages' lists the stages.\n"
         "Stages are programs of their own: stream-filter --help\n";
}

std::string verb_json(const Verb& verb) {
  nlohmann::ordered_json out = {{"name", verb.name},
                                {"summary", verb.summary},
                                {"usage", verb_usage(verb)},
                                {"description", verb.table->description}};
  out["options"] = nlohmann::ordered_json::array();
  for (const VerbOption& option : verb.table->options) out["options"].push_back(to_json(option));
  out["examples"] = nlohmann::ordered_json::array();
  for (const VerbExample& example : verb.table->examples) {
    out["examples"].push_back({{"command", example.command}, {"explanation", example.explanation}});
  }
  return out.dump() + "\n";
}

}  // namespace stream
