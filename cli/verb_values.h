// What was given to a verb, checked by its table.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/verb.h"
#include "transport/base/clock.h"
#include "transport/base/status.h"

namespace stream {

// Every value has the form its kind demands, and what is absent has its fallback, so no getter can
// fail. Asking for the integer or duration of an option that has no value is a programmer's mistake.
class VerbValues {
 public:
  bool has(std::string_view name) const;
  bool flag(std::string_view name) const { return has(name); }
  const std::string& text(std::string_view name) const;               // "" if absent
  const std::vector<std::string>& list(std::string_view name) const;  // of a repeated one; empty if absent
  std::int64_t integer(std::string_view name) const;
  Microseconds duration(std::string_view name) const;

  void set(std::string_view name, std::vector<std::string> values) { values_[std::string(name)] = std::move(values); }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;  // of a flag: one empty text
};

// Reads the arguments behind the verb. With --help or --man nothing else is demanded.
// Errors: kUsage, one line: "unknown option '--nam'; did you mean '--name'?".
Result<VerbValues> parse_verb(const Verb& verb, std::span<const std::string> args);

}  // namespace stream
