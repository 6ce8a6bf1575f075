#include "stages/kit/option_window.h"

#include <string>
#include <vector>

#include "transport/base/text.h"

namespace stream {
namespace {

struct Form {
  std::string_view word;
  WindowSpec::Kind kind;
  bool every;
};

constexpr Form kForms[] = {
    {"tumble", WindowSpec::Kind::kTumble, false},   {"hop", WindowSpec::Kind::kHop, true},
    {"session", WindowSpec::Kind::kSession, false}, {"cumulate", WindowSpec::Kind::kCumulate, true},
    {"count", WindowSpec::Kind::kCount, false},
};

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (std::string& word : split(text, ' ')) {
    if (!trim(word).empty()) words.emplace_back(trim(word));
  }
  return words;
}

const Form* find_form(std::string_view word) {
  for (const Form& form : kForms) {
    if (form.word == word) return &form;
  }
  return nullptr;
}

// A length alone is most often meant to tumble.
std::string advice(std::string_view text) {
  if (parse_duration(text).ok()) return "; write tumble " + std::string(text);
  std::vector<std::string> forms;
  for (const Form& form : kForms) forms.emplace_back(form.word);
  const std::string_view word = text.substr(0, text.find(' '));
  const std::string near = find_form(word) == nullptr ? did_you_mean(word, forms) : "";
  return near.empty() ? "; write tumble 1m, hop 5m every 1m, session 30m, cumulate 1d every 1h or count 100" : near;
}

Status bad_window(std::string_view text) {
  return usage_error("'" + std::string(text) + "' is not a window" + advice(trim(text)));
}

Status read_step(std::string_view text, const std::vector<std::string>& words, WindowSpec& window) {
  const auto step = parse_duration(words[3]);
  if (words[2] != "every" || !step.ok() || *step <= 0) return bad_window(text);
  window.step = *step;
  if (window.step > window.size)
    return usage_error("the window's length " + words[1] + " is less than its step " + words[3]);
  if (window.kind == WindowSpec::Kind::kHop || window.size % window.step == 0) return {};
  return usage_error("the window's length " + words[1] + " is not a multiple of its step " + words[3]);
}

}  // namespace

std::string_view to_string(WindowSpec::Kind kind) {
  for (const Form& form : kForms) {
    if (form.kind == kind) return form.word;
  }
  return "";
}

Result<WindowSpec> parse_window(std::string_view text) {
  const std::vector<std::string> words = words_of(text);
  const Form* form = words.empty() ? nullptr : find_form(words[0]);
  if (form == nullptr || words.size() != (form->every ? 4u : 2u)) return bad_window(text);
  WindowSpec window{.kind = form->kind};
  if (form->kind == WindowSpec::Kind::kCount) {
    const auto count = parse_integer(words[1]);
    if (!count.ok() || *count < 1) return bad_window(text);
    window.count = static_cast<std::uint64_t>(*count);
    return window;
  }
  const auto size = parse_duration(words[1]);
  if (!size.ok() || *size <= 0) return bad_window(text);
  window.size = *size;
  if (form->every) STREAM_TRY(read_step(text, words, window));
  return window;
}

}  // namespace stream
