#include <re2/re2.h>

#include <algorithm>
#include <deque>

#include "stages/format/line.h"

namespace stream::format {
namespace {

class TextSplitter final : public LineSplitter {
 public:
  bool split(std::string_view line, std::vector<LineField>& fields, std::string& /*reason*/) override {
    fields.push_back({kLineColumn, line});
    return true;
  }
  bool keeps_blank() const override { return true; }
  std::vector<std::string> names() const override { return {std::string(kLineColumn)}; }
};

class RegexSplitter final : public LineSplitter {
 public:
  explicit RegexSplitter(const std::string& pattern)
      : pattern_(pattern, re2::RE2::Quiet), groups_(1 + static_cast<std::size_t>(pattern_.NumberOfCapturingGroups())) {
    for (const auto& [name, index] : pattern_.NamedCapturingGroups()) {
      names_.push_back({name, static_cast<std::size_t>(index)});
    }
    std::sort(names_.begin(), names_.end(), [](const Group& a, const Group& b) { return a.index < b.index; });
  }

  bool split(std::string_view line, std::vector<LineField>& fields, std::string& reason) override {
    const re2::StringPiece text(line.data(), line.size());
    if (!pattern_.Match(text, 0, text.size(), re2::RE2::UNANCHORED, groups_.data(), static_cast<int>(groups_.size()))) {
      reason = "does not match the pattern";
      return false;
    }
    for (const Group& group : names_) {
      const re2::StringPiece& part = groups_[group.index];
      fields.push_back({group.name, {part.data(), part.size()}, part.data() != nullptr});
    }
    return true;
  }

  std::vector<std::string> names() const override {
    std::vector<std::string> names;
    for (const Group& group : names_) names.push_back(group.name);
    return names;
  }

 private:
  struct Group {
    std::string name;
    std::size_t index;
  };
  re2::RE2 pattern_;
  std::vector<re2::StringPiece> groups_;
  std::vector<Group> names_;
};

// key=value key="quoted \"value\"" flag: words by blanks; a key without "=" is "true".
class LogfmtSplitter final : public LineSplitter {
 public:
  bool split(std::string_view line, std::vector<LineField>& fields, std::string& reason) override {
    unescaped_.clear();
    rest_ = line;
    for (;;) {
      rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size()));
      if (rest_.empty()) return true;
      const std::string_view name = take_until(" \t=");
      if (name.empty() || name.find('"') != std::string_view::npos) {
        reason = "a key is missing";
        return false;
      }
      LineField field{name, "true"};
      if (rest_.starts_with('=')) {
        rest_.remove_prefix(1);
        if (rest_.starts_with('"')) {
          if (!take_quoted(field.text)) {
            reason = "a quote is not closed, or holds a bad escape";
            return false;
          }
        } else {
          field.text = take_until(" \t");
          field.present = !field.text.empty();
        }
      }
      fields.push_back(field);
    }
  }

 private:
  std::string_view take_until(std::string_view stops) {
    const std::string_view taken = rest_.substr(0, rest_.find_first_of(stops));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  bool take_quoted(std::string_view& text) {
    std::size_t end = 1;
    bool escaped = false;
    for (; end < rest_.size() && rest_[end] != '"'; ++end) {
      if (rest_[end] != '\\') continue;
      escaped = true;
      ++end;
    }
    if (end >= rest_.size()) return false;
    text = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    if (!escaped) return rest_.empty() || rest_[0] == ' ' || rest_[0] == '\t';
    if (!unescape_json(text, unescaped_.emplace_back())) return false;
    text = unescaped_.back();
    return rest_.empty() || rest_[0] == ' ' || rest_[0] == '\t';
  }

  std::string_view rest_;
  std::deque<std::string> unescaped_;  // a deque: fields point into its elements
};

}  // namespace

Result<std::unique_ptr<LineSplitter>> make_splitter(const FormatOptions& options) {
  STREAM_TRY(check_format_options(options));
  if (options.format == Format::kRegex) return std::unique_ptr<LineSplitter>(new RegexSplitter(options.pattern));
  if (options.format == Format::kLogfmt) return std::unique_ptr<LineSplitter>(new LogfmtSplitter());
  return std::unique_ptr<LineSplitter>(new TextSplitter());
}

}  // namespace stream::format
