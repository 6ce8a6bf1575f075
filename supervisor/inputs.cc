#include "supervisor/inputs.h"

#include <algorithm>

#include "supervisor/manifest_node.h"
#include "supervisor/manifest_stages.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::string_view kInput = "input";  // of an included file
constexpr std::size_t kStepsMax = 64;         // from a name through files to a stage

void append_ref(const Node& node, const std::string& name, std::vector<InputRef>& refs, Problems& problems) {
  if (!node.is_scalar() || node.text.empty()) {
    return problems.add(node.at, "'from' must name a stage, not " + kind_text(node));
  }
  const std::size_t dot = node.text.find('.');
  InputRef ref{.stage = node.text.substr(0, dot), .output = "out", .name = name, .at = node.at};
  if (dot != std::string::npos) ref.output = node.text.substr(dot + 1);
  refs.push_back(std::move(ref));
}

class Resolver {
 public:
  Resolver(std::vector<StageSpec>& stages, const std::vector<StageScope>& scopes, Catalogue& catalogue,
           Problems& problems)
      : stages_(stages), scopes_(scopes), catalogue_(catalogue), problems_(problems) {
    for (const StageSpec& stage : stages) names_.push_back(stage.name);
    for (const StageScope& scope : scopes) check_scope(scope);
  }

  void resolve(std::size_t at, const WrittenInputs& written) {
    StageSpec& stage = stages_[at];
    const StageInfo* info = info_of(stage);
    if (info == nullptr) return;  // reported where it was read
    if (info->role == StageRole::kSource) return check_source(stage);
    if (!written.given) return take_above(at, written);
    std::vector<InputRef> found;
    for (const InputRef& ref : stage.from) find_stage(ref, written.prefix, 0, found);
    stage.from = std::move(found);
    check_named(stage, *info);
  }

  // Depth first; a stage that is met while it is open closes a cycle.
  void find_cycles() {
    states_.assign(stages_.size(), State::kNew);
    for (std::size_t i = 0; i < stages_.size(); ++i) visit(i);
  }

 private:
  enum class State : std::uint8_t { kNew, kOpen, kDone };

  const StageInfo* info_of(const StageSpec& stage) {
    const auto found = catalogue_.find(stage.run);
    return found.ok() ? *found : nullptr;
  }

  void check_source(StageSpec& stage) {
    if (stage.from.empty()) return;
    problems_.add(stage.from[0].at, "'" + stage.run + "' is a source and takes no 'from'");
  }

  void take_above(std::size_t at, const WrittenInputs& written) {
    StageSpec& stage = stages_[at];
    const StageScope* own = scope_of(written.prefix);
    if (!written.has_above && own != nullptr && !own->input.empty()) {
      find_input({.stage = std::string(kInput), .at = stage.at}, *own, 0, stage.from);
      return check_named(stage, *info_of(stage));
    }
    if (!written.has_above) {
      return problems_.add(stage.at, "stage '" + stage.name + "' is the first and not a source: it needs 'from'");
    }
    const StageSpec& above = stages_[at - 1];
    const StageInfo* info = info_of(above);
    if (info != nullptr && info->role == StageRole::kSink) {
      return problems_.add(stage.at, "stage '" + stage.name + "' needs 'from': the stage above, '" + above.name +
                                         "', is a sink and has no output");
    }
    stage.from = {{.stage = above.name, .output = "out", .name = "", .at = stage.at}};
  }

  // Appends the stages that `ref` means in the file of this prefix: one, or what the file is given as its input.
  void find_stage(const InputRef& ref, const std::string& prefix, std::size_t depth, std::vector<InputRef>& found) {
    const std::string name = prefix + ref.stage;
    const StageScope* own = scope_of(prefix);
    const StageScope* included = scope_of(name + "/");
    if (depth > kStepsMax) return problems_.add(ref.at, "'" + ref.stage + "' leads back to itself");
    if (std::ranges::find(names_, name) != names_.end()) {
      found.push_back(ref);
      found.back().stage = name;
    } else if (own != nullptr && ref.stage == kInput) {
      find_input(ref, *own, depth, found);
    } else if (included != nullptr) {
      find_output(ref, *included, depth, found);
    } else {
      problems_.add(ref.at, "no stage '" + ref.stage + "'" + did_you_mean(ref.stage, names_in(prefix)));
    }
  }

  // `input`, or `input.o` where who includes the file names its inputs.
  void find_input(const InputRef& ref, const StageScope& own, std::size_t depth, std::vector<InputRef>& found) {
    if (own.input.empty()) {
      return problems_.add(ref.at, "there is no 'input': the include at " + to_string(own.at) + " needs 'from'");
    }
    const std::string wanted = ref.output == "out" ? "" : ref.output;
    std::size_t hits = 0;
    for (InputRef bound : own.input) {
      if (bound.name != wanted) continue;
      ++hits;
      bound.name = ref.name;
      find_stage(bound, own.parent, depth + 1, found);
    }
    if (hits > 0) return;
    std::vector<std::string> names;
    for (const InputRef& bound : own.input) names.push_back(bound.name.empty() ? "input" : "input." + bound.name);
    problems_.add(ref.at, "the include at " + to_string(own.at) + " gives no '" + std::string(kInput) +
                              (wanted.empty() ? "" : "." + wanted) + "'; it gives " + join(names, ", "));
  }

  // An include by its name is what its file calls its output.
  void find_output(const InputRef& ref, const StageScope& included, std::size_t depth, std::vector<InputRef>& found) {
    const auto it = std::ranges::find(included.outputs, ref.output, &std::pair<std::string, InputRef>::first);
    if (it == included.outputs.end()) {
      std::vector<std::string> names;
      for (const auto& [name, target] : included.outputs) names.push_back(name);
      return problems_.add(ref.at,
                           "'" + ref.stage + "' has no output '" + ref.output + "'; it has " + join(names, ", "));
    }
    InputRef target = it->second;
    target.name = ref.name;
    target.at = ref.at;
    find_stage(target, included.prefix, depth + 1, found);
  }

  const StageScope* scope_of(const std::string& prefix) const {
    const auto it = std::ranges::find(scopes_, prefix, &StageScope::prefix);
    return it == scopes_.end() ? nullptr : &*it;
  }

  // What a file of this prefix may name.
  std::vector<std::string> names_in(const std::string& prefix) const {
    std::vector<std::string> names;
    for (const std::string& name : names_) {
      if (name.starts_with(prefix)) names.push_back(name.substr(prefix.size()));
    }
    for (const StageScope& scope : scopes_) {
      if (scope.parent == prefix)
        names.push_back(scope.prefix.substr(prefix.size(), scope.prefix.size() - prefix.size() - 1));
    }
    if (scope_of(prefix) != nullptr) names.emplace_back(kInput);
    return names;
  }

  void check_scope(const StageScope& scope) {
    const std::string name = scope.prefix.substr(0, scope.prefix.size() - 1);
    if (std::ranges::find(names_, name) == names_.end()) return;
    problems_.add(scope.at, "'" + name + "' is a stage as well; give the include another name");
  }

  void check_named(const StageSpec& stage, const StageInfo& info) {
    const bool named = !stage.from.empty() && !stage.from[0].name.empty();
    if (named && stage.from.size() > info.inputs_max) {
      problems_.add(stage.from[info.inputs_max].at, "'" + stage.run + "' tells " + std::to_string(info.inputs_max) +
                                                        (info.inputs_max == 1 ? " input" : " inputs") + " apart, not " +
                                                        std::to_string(stage.from.size()));
    }
    if (!named && info.inputs_max > 1 && !stage.from.empty()) {
      problems_.add(stage.from[0].at,
                    "'" + stage.run + "' needs named inputs, such as from: {a: " + stage.from[0].stage + ", b: other}");
    }
  }

  void visit(std::size_t at) {
    if (states_[at] != State::kNew) return;
    states_[at] = State::kOpen;
    path_.push_back(at);
    for (const InputRef& ref : stages_[at].from) follow(ref);
    path_.pop_back();
    states_[at] = State::kDone;
  }

  void follow(const InputRef& ref) {
    const auto it = std::ranges::find(names_, ref.stage);
    if (it == names_.end()) return;
    const auto next = static_cast<std::size_t>(it - names_.begin());
    if (states_[next] == State::kOpen)
      report_cycle(next, ref.at);
    else
      visit(next);
  }

  // The path runs against the data.
  void report_cycle(std::size_t closing, const Place& at) {
    std::string text = names_[closing];
    const auto begin = std::ranges::find(path_, closing);
    for (auto it = path_.end(); it != begin;) text.append(" -> ").append(names_[*--it]);
    problems_.add(at, "the stages form a cycle: " + text);
  }

  std::vector<StageSpec>& stages_;
  const std::vector<StageScope>& scopes_;
  Catalogue& catalogue_;
  Problems& problems_;
  std::vector<std::string> names_;
  std::vector<State> states_;
  std::vector<std::size_t> path_;
};

}  // namespace

std::vector<InputRef> read_from(const Node& node, Problems& problems) {
  std::vector<InputRef> refs;
  if (!node.is_list() && !node.is_map()) {
    append_ref(node, "", refs, problems);
    return refs;
  }
  if (node.items.empty()) problems.add(node.at, "'from' names no stage");
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const std::string name = node.is_map() ? node.keys[i].text : "";
    if (node.is_map() && !valid_name(name)) problems.add(node.keys[i].at, not_a_name(name));
    append_ref(node.items[i], name, refs, problems);
  }
  return refs;
}

InputRef behind_includes(InputRef ref, const std::vector<StageScope>& scopes) {
  for (std::size_t step = 0; step < kStepsMax; ++step) {
    const auto scope = std::ranges::find(scopes, ref.stage + "/", &StageScope::prefix);
    if (scope == scopes.end()) break;
    const auto output = std::ranges::find(scope->outputs, ref.output, &std::pair<std::string, InputRef>::first);
    if (output == scope->outputs.end()) break;
    ref.stage = scope->prefix + output->second.stage;
    ref.output = output->second.output;
  }
  return ref;
}

void resolve_inputs(std::vector<StageSpec>& stages, const std::vector<WrittenInputs>& written,
                    const std::vector<StageScope>& scopes, Catalogue& catalogue, Problems& problems) {
  Resolver resolver(stages, scopes, catalogue, problems);
  for (std::size_t i = 0; i < stages.size(); ++i) resolver.resolve(i, written[i]);
  resolver.find_cycles();
}

}  // namespace stream
