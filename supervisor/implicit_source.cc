#include "supervisor/implicit_source.h"

#include <algorithm>

namespace stream {
namespace {

constexpr std::string_view kOfBoth = "on-error";

const OptionInfo* own_option(const StageInfo& info, std::string_view name) {
  const auto it = std::ranges::find(info.options, name, &OptionInfo::name);
  return it == info.options.end() || it->positional ? nullptr : &*it;
}

}  // namespace

SharedWords share_words(const StageInfo& source, const StageInfo& stage, std::span<const Word> words) {
  SharedWords shared;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& text = words[i].text;
    if (text == "--") {
      shared.stage.insert(shared.stage.end(), words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
      break;
    }
    const std::size_t equals = text.find('=');
    const std::string name =
        text.starts_with("--") ? text.substr(2, equals == std::string::npos ? equals : equals - 2) : "";
    const bool reading = std::ranges::find(reading_options(), name) != reading_options().end();
    const bool owned = own_option(stage, name) == nullptr && own_option(source, name) != nullptr;
    const OptionInfo* option = reading || owned || name == kOfBoth ? source.find(name) : nullptr;
    const bool takes_next = option != nullptr && equals == std::string::npos && option->kind != "flag";
    const std::size_t end = std::min(words.size(), i + (takes_next ? 2 : 1));
    const auto part = words.subspan(i, end - i);
    if (option != nullptr) shared.source.insert(shared.source.end(), part.begin(), part.end());
    if (option == nullptr || name == kOfBoth) shared.stage.insert(shared.stage.end(), part.begin(), part.end());
    i = end - 1;
  }
  return shared;
}

}  // namespace stream
