// From what was given for an option to its checked value.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stages/kit/option.h"

namespace stream {

// Whether a text given for a list option may hold several items ("a,b" of a flag or a scalar) or
// is one item whatever it holds (an item of a JSON list).
enum class Items : bool { kSeveral, kOne };

// Checks the texts given for one option (one a flag or list item; `name` only from a map) and
// brings them into the form Values holds. Errors: kUsage, without the option's name; a literal
// secret is never repeated in the message.
Result<Values::Value> check_option(const Option& option, std::vector<SelectItem> given, Items items = Items::kSeveral);

// Sets the fallback of every option that has no value.
void add_fallbacks(std::span<const Option> options, Values& values);

std::vector<std::string> choices_of(const Option& option);

// "host, \"odd, name\"" -> host; odd, name. Blanks around names are dropped.
std::vector<std::string> split_columns(std::string_view text);

}  // namespace stream
