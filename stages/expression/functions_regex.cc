// Regular expressions through RE2: linear time, no back-references and no look-around.
#include <re2/re2.h>

#include <memory>
#include <optional>
#include <unordered_map>

#include "stages/expression/functions.h"
#include "stages/expression/kernel.h"
#include "stages/expression/plain_regex.h"
#include "stages/expression/utf8.h"

namespace stream::expression {
namespace {

using std::int64_t;
using Bytes = std::string_view;

constexpr int kGroupsMax = 10;
constexpr char kInvalidRegex[] = "invalid regular expression";

re2::StringPiece piece(Bytes text) { return {text.data(), text.size()}; }
Bytes view(re2::StringPiece text) { return {text.data(), text.size()}; }

// PostgreSQL prefers the longest match unless the pattern itself asks for short ones.
bool wants_short(Bytes pattern) {
  for (std::size_t i = 1; i < pattern.size(); ++i) {
    const char before = pattern[i - 1];
    if (pattern[i] == '?' && (before == '*' || before == '+' || before == '?' || before == '}')) return true;
  }
  return false;
}

// \y and \Y are \b and \B elsewhere; \m and \M have no counterpart and stay errors.
std::string translated(Bytes pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    out += pattern[i];
    if (pattern[i] != '\\' || i + 1 == pattern.size()) continue;
    ++i;
    out += pattern[i] == 'y' ? 'b' : pattern[i] == 'Y' ? 'B' : pattern[i];
  }
  return out;
}

struct Regex {
  std::unique_ptr<const RE2> re2;
  std::optional<PlainRegex> plain;  // the same, if it is so simple
  bool global = false;              // flag g
  int groups = 0;
};

// Null for flags nobody knows.
const char* read_flags(Bytes flags, RE2::Options& options, bool& global, bool& lines) {
  for (const char c : flags) {
    switch (c) {
      case 'g': global = true; break;
      case 'i': options.set_case_sensitive(false); break;
      case 'c': options.set_case_sensitive(true); break;
      case 'n':
      case 'm': lines = true; break;
      case 's': lines = false; break;
      default: return "unknown regular expression flag: i, c, g, n, m and s are known";
    }
  }
  return nullptr;
}

const char* compile(Bytes pattern, Bytes flags, Regex& out, std::string* message) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  bool lines = false;
  if (const char* reason = read_flags(flags, options, out.global, lines)) return reason;
  options.set_longest_match(!wants_short(pattern));
  std::string text = translated(pattern);
  if (lines) {
    options.set_dot_nl(false);
    text = "(?m)" + text;
  }
  out.re2 = std::make_unique<const RE2>(text, options);
  if (out.re2->ok()) {
    out.groups = out.re2->NumberOfCapturingGroups();
    if (flags.empty()) out.plain = PlainRegex::compile(pattern);
    return nullptr;
  }
  if (message != nullptr) *message = out.re2->error();
  return kInvalidRegex;
}

// Compiled patterns of this thread. Nearly always the pattern is the one of the row before.
const char* regex_of(Bytes pattern, Bytes flags, const Regex*& out) {
  struct Cache {
    std::string pattern;
    std::string flags;
    const Regex* regex = nullptr;
    std::unordered_map<std::string, Regex> all;
  };
  thread_local Cache cache;
  if (cache.regex == nullptr || cache.pattern != pattern || cache.flags != flags) {
    const std::string key = std::string(flags) + '/' + std::string(pattern);
    auto found = cache.all.find(key);
    if (found == cache.all.end()) {
      Regex regex;
      if (const char* reason = compile(pattern, flags, regex, nullptr)) return reason;
      if (cache.all.size() >= 256) cache.all.clear();
      found = cache.all.emplace(key, std::move(regex)).first;
    }
    cache.pattern = pattern;
    cache.flags = flags;
    cache.regex = &found->second;
  }
  out = cache.regex;
  return nullptr;
}

// Finds the next match at or behind `at`. A group that took no part in it is a null view.
bool find(const Regex& regex, Bytes text, std::size_t at, std::span<Bytes> groups) {
  if (regex.plain) return regex.plain->find(text, at, groups);
  re2::StringPiece found[kGroupsMax + 1];
  const int count = static_cast<int>(groups.size());
  if (!regex.re2->Match(piece(text), at, text.size(), RE2::UNANCHORED, found, count)) return false;
  for (std::size_t i = 0; i < groups.size(); ++i) groups[i] = view(found[i]);
  return true;
}

// Where to look for the match behind this one: an empty match must not be found for ever.
std::size_t behind(Bytes text, Bytes match) {
  const auto end = static_cast<std::size_t>(match.data() - text.data()) + match.size();
  return match.empty() ? end + (end < text.size() ? utf8_length(text, end) : 1) : end;
}

void append_replacement(Bytes replacement, std::span<const Bytes> groups, Text& out) {
  for (std::size_t i = 0; i < replacement.size(); ++i) {
    if (replacement[i] != '\\' || i + 1 == replacement.size()) {
      out.append(replacement[i]);
      continue;
    }
    const char next = replacement[++i];
    if (next == '&') {
      out.append(groups[0]);
    } else if (next >= '1' && next <= '9') {
      const auto group = static_cast<std::size_t>(next - '0');
      if (group < groups.size()) out.append(groups[group]);
    } else if (next == '\\') {
      out.append('\\');
    } else {
      out.append('\\');
      out.append(next);
    }
  }
}

const char* regexp_replace(Bytes text, Bytes pattern, Bytes replacement, Bytes flags, Text& out) {
  const Regex* regex = nullptr;
  if (const char* reason = regex_of(pattern, flags, regex)) return reason;
  Bytes places[kGroupsMax];
  const std::span groups(places, static_cast<std::size_t>(std::min(regex->groups + 1, kGroupsMax)));
  std::size_t copied = 0;
  for (std::size_t at = 0; at <= text.size() && find(*regex, text, at, groups);) {
    const auto begin = static_cast<std::size_t>(groups[0].data() - text.data());
    out.append(text.substr(copied, begin - copied));
    append_replacement(replacement, groups, out);
    copied = begin + groups[0].size();
    at = behind(text, groups[0]);
    if (!regex->global) break;
  }
  if (copied < text.size()) out.append(text.substr(copied));
  return nullptr;
}

const char* regexp_like(Bytes text, Bytes pattern, Bytes flags, std::uint8_t& out) {
  const Regex* regex = nullptr;
  if (const char* reason = regex_of(pattern, flags, regex)) return reason;
  out = find(*regex, text, 0, {});
  return nullptr;
}

const char* start_of(Bytes text, int64_t start, std::size_t& at) {
  if (start < 1) return "a regular expression's start must be 1 or more";
  at = utf8_skip(text, static_cast<std::size_t>(start - 1));
  if (at == text.size() && static_cast<std::size_t>(start - 1) > utf8_count(text)) at = text.size() + 1;
  return nullptr;
}

const char* regexp_count(Bytes text, Bytes pattern, int64_t start, Bytes flags, int64_t& out) {
  const Regex* regex = nullptr;
  std::size_t at = 0;
  if (const char* reason = regex_of(pattern, flags, regex)) return reason;
  if (const char* reason = start_of(text, start, at)) return reason;
  Bytes match;
  for (out = 0; at <= text.size() && find(*regex, text, at, {&match, 1}); ++out) at = behind(text, match);
  return nullptr;
}

const char* regexp_substr(Bytes text, Bytes pattern, int64_t start, int64_t nth, Bytes flags, int64_t group,
                          Text& out) {
  const Regex* regex = nullptr;
  std::size_t at = 0;
  if (const char* reason = regex_of(pattern, flags, regex)) return reason;
  if (const char* reason = start_of(text, start, at)) return reason;
  if (nth < 1) return "the number of the match must be 1 or more";
  if (group < 0) return "the number of the group must not be negative";
  if (group > regex->groups) return kNullResult;
  Bytes found[kGroupsMax + 1];
  if (group > kGroupsMax) return "at most 10 groups of a regular expression can be asked for";
  while (at <= text.size() && find(*regex, text, at, std::span(found, static_cast<std::size_t>(group) + 1))) {
    if (--nth == 0) {
      if (found[group].data() == nullptr) return kNullResult;
      out.append(found[group]);
      return nullptr;
    }
    at = behind(text, found[0]);
  }
  return kNullResult;
}

}  // namespace

const char* check_regex(Bytes pattern, Bytes flags, std::string* message) {
  Regex regex;
  return compile(pattern, flags, regex, message);
}

NodePtr make_regex_match(NodePtr value, NodePtr pattern, bool fold_case, bool negated) {
  std::string text;
  const Bytes flags = fold_case ? "i" : "";
  if (literal_text(*pattern, &text) != nullptr) {
    const auto regex = std::make_shared<Regex>();
    if (compile(text, flags, *regex, nullptr) == nullptr) {
      return make_call(kBoolean, {std::move(value)},
                       map<std::uint8_t, Bytes>([=](Bytes x) { return find(*regex, x, 0, {}) != negated; }),
                       {.total = true, .cost = 150});
    }
  }
  return make_call(kBoolean, {std::move(value), std::move(pattern)},
                   map_checked<std::uint8_t, Bytes, Bytes>([=](Bytes x, Bytes y, std::uint8_t& out) -> const char* {
                     if (const char* reason = regexp_like(x, y, flags, out)) return reason;
                     out = (out != 0) != negated;
                     return nullptr;
                   }),
                   {.cost = 300});
}

bool similar_to_regex(Bytes pattern, char escape, std::string& regex) {
  regex = "^(?:";
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (escape != 0 && c == escape) {
      if (++i == pattern.size()) return false;
      regex += RE2::QuoteMeta(piece(pattern.substr(i, 1)));
    } else if (in_class) {
      regex += c;
      in_class = c != ']';
    } else if (c == '%') {
      regex += ".*";
    } else if (c == '_') {
      regex += '.';
    } else if (c == '.' || c == '^' || c == '$' || c == '\\') {
      regex += '\\';
      regex += c;
    } else {
      regex += c;
      in_class = c == '[';
    }
  }
  regex += ")$";
  return true;
}

NodePtr make_similar(NodePtr value, NodePtr pattern, bool negated, char escape) {
  std::string text;
  std::string regex;
  if (literal_text(*pattern, &text) != nullptr && similar_to_regex(text, escape, regex)) {
    return make_regex_match(std::move(value), make_text(regex), false, negated);
  }
  return make_call(kBoolean, {std::move(value), std::move(pattern)},
                   map_checked<std::uint8_t, Bytes, Bytes>([=](Bytes x, Bytes y, std::uint8_t& out) -> const char* {
                     std::string translated_pattern;
                     if (!similar_to_regex(y, escape, translated_pattern)) return kInvalidRegex;
                     if (const char* reason = regexp_like(x, translated_pattern, "", out)) return reason;
                     out = (out != 0) != negated;
                     return nullptr;
                   }),
                   {.cost = 300});
}

void add_regex_functions(Functions& f) {
  const CallTraits slow{.cost = 200};
  f.add("regexp_replace", "ttt", kVarchar,
        map_checked<Text, Bytes, Bytes, Bytes>([](Bytes text, Bytes pattern, Bytes with, Text& out) {
          return regexp_replace(text, pattern, with, "", out);
        }),
        slow);
  f.add("regexp_replace", "tttt", kVarchar, map_checked<Text, Bytes, Bytes, Bytes, Bytes>(regexp_replace), slow);
  f.add("regexp_like", "tt", kBoolean,
        map_checked<std::uint8_t, Bytes, Bytes>(
            [](Bytes text, Bytes pattern, std::uint8_t& out) { return regexp_like(text, pattern, "", out); }),
        slow);
  f.add("regexp_like", "ttt", kBoolean, map_checked<std::uint8_t, Bytes, Bytes, Bytes>(regexp_like), slow);
  f.add("regexp_count", "tt", kBigint, map_checked<int64_t, Bytes, Bytes>([](Bytes text, Bytes pattern, int64_t& out) {
          return regexp_count(text, pattern, 1, "", out);
        }),
        slow);
  f.add("regexp_count", "tti", kBigint,
        map_checked<int64_t, Bytes, Bytes, int64_t>([](Bytes text, Bytes pattern, int64_t start, int64_t& out) {
          return regexp_count(text, pattern, start, "", out);
        }),
        slow);
  f.add("regexp_count", "ttit", kBigint, map_checked<int64_t, Bytes, Bytes, int64_t, Bytes>(regexp_count), slow);
  const auto substr = [](Bytes text, Bytes pattern, Text& out) {
    return regexp_substr(text, pattern, 1, 1, "", 0, out);
  };
  f.add("regexp_substr", "tt", kVarchar, map_checked<Text, Bytes, Bytes>(substr), slow);
  f.add("regexp_substr", "tti", kVarchar,
        map_checked<Text, Bytes, Bytes, int64_t>([](Bytes text, Bytes pattern, int64_t start, Text& out) {
          return regexp_substr(text, pattern, start, 1, "", 0, out);
        }),
        slow);
  f.add("regexp_substr", "ttii", kVarchar,
        map_checked<Text, Bytes, Bytes, int64_t, int64_t>(
            [](Bytes text, Bytes pattern, int64_t start, int64_t nth, Text& out) {
              return regexp_substr(text, pattern, start, nth, "", 0, out);
            }),
        slow);
  f.add("regexp_substr", "ttiit", kVarchar,
        map_checked<Text, Bytes, Bytes, int64_t, int64_t, Bytes>(
            [](Bytes text, Bytes pattern, int64_t start, int64_t nth, Bytes flags, Text& out) {
              return regexp_substr(text, pattern, start, nth, flags, 0, out);
            }),
        slow);
  f.add("regexp_substr", "ttiiti", kVarchar,
        map_checked<Text, Bytes, Bytes, int64_t, int64_t, Bytes, int64_t>(regexp_substr), slow);
  // substring(text from pattern): the first group if the pattern has one.
  f.add("substring", "tt", kVarchar,
        map_checked<Text, Bytes, Bytes>([](Bytes text, Bytes pattern, Text& out) -> const char* {
          const Regex* regex = nullptr;
          if (const char* reason = regex_of(pattern, "", regex)) return reason;
          return regexp_substr(text, pattern, 1, 1, "", regex->groups > 0 ? 1 : 0, out);
        }),
        slow);
}

}  // namespace stream::expression
