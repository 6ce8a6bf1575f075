#include "stages/match/pattern.h"

#include "stages/match/pattern_tree.h"

namespace stream {
namespace {

using pattern::Tree;
using Kind = Tree::Kind;

constexpr std::uint32_t kEnd = UINT32_MAX;
constexpr std::size_t kStepsMax = 4 * kPatternPositionsMax;
constexpr std::size_t kNextMax = 1'000'000;  // entries of all lists

// The pattern as a graph of steps: each either takes a row, or chooses where to go on.
class Graph {
 public:
  // Adds what the tree stands for before step `next`; returns where that begins.
  std::uint32_t add(const Tree& tree, std::uint32_t next) {
    switch (tree.kind) {
      case Kind::kVariable: return push({true, tree.variable, {next}});
      case Kind::kSequence:
        for (std::size_t i = tree.parts.size(); i-- > 0;) next = add(tree.parts[i], next);
        return next;
      case Kind::kAlternatives: {
        std::vector<std::uint32_t> ways;
        for (const Tree& part : tree.parts) ways.push_back(add(part, next));
        return push({false, 0, std::move(ways)});
      }
      case Kind::kRepeat: break;
    }
    return repeat(tree, next);
  }

  struct Step {
    bool takes_row = false;
    std::size_t variable = 0;
    std::vector<std::uint32_t> ways;  // preferred first
  };
  const std::vector<Step>& steps() const { return steps_; }

 private:
  std::uint32_t push(Step step) {
    if (steps_.size() >= kStepsMax) throw ExpressionError{0, "the pattern is too large", "count fewer rows"};
    steps_.push_back(std::move(step));
    return static_cast<std::uint32_t>(steps_.size() - 1);
  }

  std::uint32_t choice(std::uint32_t more, std::uint32_t next, bool reluctant) {
    return push({false, 0, reluctant ? std::vector{next, more} : std::vector{more, next}});
  }

  std::uint32_t repeat(const Tree& tree, std::uint32_t next) {
    const Tree& body = tree.parts[0];
    std::uint32_t entry = next;
    std::size_t copies = tree.least;
    if (tree.most == Tree::kNoEnd) {
      const std::uint32_t again = choice(next, next, tree.reluctant);
      const std::uint32_t more = add(body, again);
      steps_[again].ways[tree.reluctant ? 1 : 0] = more;
      entry = copies == 0 ? again : more;
      if (copies > 0) --copies;
    } else {
      for (std::size_t i = tree.least; i < tree.most; ++i) entry = choice(add(body, entry), next, tree.reluctant);
    }
    for (; copies > 0; --copies) entry = add(body, entry);
    return entry;
  }

  std::vector<Step> steps_;
};

class Builder {
 public:
  Pattern run(std::string_view text) {
    pattern::Parsed parsed = pattern::parse_tree(text);
    if (parsed.variables.size() > kPatternVariablesMax) {
      throw ExpressionError{0, "the pattern has more than " + std::to_string(kPatternVariablesMax) + " variables", ""};
    }
    Pattern out;
    out.text = pattern::to_string(parsed.tree, parsed.variables);
    out.variables = std::move(parsed.variables);
    const std::uint32_t begin = graph_.add(parsed.tree, kEnd);
    number_positions(out);
    out.first = next_of(begin);
    if (out.first.ends) {
      throw ExpressionError{0, "the pattern may match no row at all", "let it have at least one: + in place of *"};
    }
    for (const Graph::Step& step : graph_.steps()) {
      if (step.takes_row) out.next.push_back(next_of(step.ways[0]));
    }
    return out;
  }

 private:
  void number_positions(Pattern& out) {
    position_of_.resize(graph_.steps().size());
    seen_.resize(graph_.steps().size());
    for (std::size_t i = 0; i < position_of_.size(); ++i) {
      if (!graph_.steps()[i].takes_row) continue;
      position_of_[i] = static_cast<std::uint32_t>(out.variable_of.size());
      out.variable_of.push_back(graph_.steps()[i].variable);
    }
    if (out.variable_of.size() > kPatternPositionsMax) throw ExpressionError{0, "the pattern is too large", ""};
  }

  // Depth first, by preference; a step seen before was liked more.
  PatternNext next_of(std::uint32_t begin) {
    PatternNext out;
    ++mark_;
    std::vector<std::uint32_t> todo = {begin};
    while (!todo.empty()) {
      const std::uint32_t at = todo.back();
      todo.pop_back();
      if (at == kEnd) {
        out.ends = true;
        break;
      }
      if (seen_[at] == mark_) continue;
      seen_[at] = mark_;
      const Graph::Step& step = graph_.steps()[at];
      if (step.takes_row) {
        out.positions.push_back(position_of_[at]);
        if (++entries_ > kNextMax) throw ExpressionError{0, "the pattern is too large", "count fewer rows"};
        continue;
      }
      todo.insert(todo.end(), step.ways.rbegin(), step.ways.rend());
    }
    return out;
  }

  Graph graph_;
  std::vector<std::uint32_t> position_of_;
  std::vector<std::size_t> seen_;
  std::size_t mark_ = 0;
  std::size_t entries_ = 0;
};

}  // namespace

std::optional<Pattern> parse_pattern(std::string_view text, ExpressionError* error) {
  try {
    return Builder().run(text);
  } catch (const ExpressionError& wrong) {
    if (error != nullptr) *error = wrong;
    return std::nullopt;
  }
}

}  // namespace stream
