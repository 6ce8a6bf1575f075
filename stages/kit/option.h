// Options as data: one table a stage gives parsing, --help, the man page, manifest keys, JSON
// Schema, --describe and shell completion.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream {

enum class OptionKind : std::uint8_t {
  kText,
  kFlag,  // present or absent; in a manifest true or false
  kInteger,
  kNumber,      // decimal fraction
  kDuration,    // 100ms, 1m30s
  kSize,        // 64KiB, 128MiB
  kChoice,      // one of `choices`
  kPath,        // relative to the manifest's folder, or the current one for flags
  kExpression,  // a SQL scalar expression
  kSelect,      // a SQL select list: one text, a list of texts, or a map name -> expression
  kColumns,     // column names: a list, or one comma-separated text
  kWindow,      // "tumble 1m", "hop 5m every 1m", …
  kSchema,      // "ts timestamp, n bigint"
  kCommand,     // a shell command, or a list of a program and its arguments; `repeated`
  kSecret,      // env:NAME, file:PATH or credential:NAME; never a literal
  kDurations,   // one for all, or a map input name -> duration; as a flag o=1h,p=30m
};

struct Option {
  std::string_view name;      // kebab-case, given as --name
  std::string_view arg = {};  // "DURATION"; empty for a flag
  std::string_view doc;       // one sentence, with units and range
  OptionKind kind = OptionKind::kText;
  std::string_view fallback = {};  // value if absent
  std::string_view choices = {};   // kChoice: "append|replace|fail"
  bool positional = false;         // at most one a stage
  bool required = false;
  bool repeated = false;  // may be given several times; a list in a manifest
  bool hidden = false;    // not in help, man page and completion
};

// One item of a select list as the user gave it: `name` is empty when the text carries its own
// "expr as name" parts, which may be several, separated by commas.
struct SelectItem {
  std::string name;
  std::string text;
  friend bool operator==(const SelectItem&, const SelectItem&) = default;
};

// The checked values of one stage's options: what is absent has its fallback, and every value
// has the form its kind demands, so no getter can fail. Asking with the wrong getter, or for the
// number, duration or size of an option that has no value, is a programmer's mistake.
class Values {
 public:
  using Value = std::variant<std::string, std::vector<std::string>, std::vector<SelectItem>>;

  // True if the user gave it or it has a fallback.
  bool has(std::string_view name) const;
  const std::string& text(std::string_view name) const;  // "" if absent
  bool flag(std::string_view name) const;                // false if absent
  std::int64_t integer(std::string_view name) const;
  double number(std::string_view name) const;
  Microseconds duration(std::string_view name) const;
  std::uint64_t size(std::string_view name) const;
  const std::vector<std::string>& list(std::string_view name) const;   // repeated, kColumns; empty if absent
  const std::vector<SelectItem>& select(std::string_view name) const;  // kSelect, kDurations; empty if absent

  void set(std::string name, Value value) { values_[std::move(name)] = std::move(value); }
  const std::map<std::string, Value, std::less<>>& all() const { return values_; }

 private:
  std::map<std::string, Value, std::less<>> values_;
};

}  // namespace stream
