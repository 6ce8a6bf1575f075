#include "stages/write-file/part_name.h"

#include <unistd.h>

#include <cstdio>

#include "snapshot/table_spec.h"
#include "transport/base/text.h"
#include "transport/record/key.h"

namespace stream {
namespace {

constexpr std::string_view kHiddenEnding = ".inprogress";

std::string numbered(const PartName& name, std::string_view epoch) {
  return "part-" + std::to_string(name.instance) + "-" + std::string(epoch) + name.run + "-" +
         std::to_string(name.number) + "." + name.extension;
}

std::optional<std::uint64_t> digits(const std::string& text) {
  const auto number = parse_integer(text);
  if (!number.ok() || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

}  // namespace

std::string short_run(const Context& context) {
  if (!context.run.empty()) return context.run.substr(0, 8);
  const auto seed =
      static_cast<std::uint64_t>(context.clock.wall_us()) * 1'000'003 + static_cast<std::uint64_t>(::getpid());
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08x", static_cast<unsigned>((seed ^ (seed >> 32)) & 0xffffffff));
  return digits;
}

std::string PartName::key() const { return folder + numbered(*this, ""); }
std::string PartName::hidden() const { return folder + "." + numbered(*this, "") + std::string(kHiddenEnding); }
std::string PartName::published(Epoch epoch) const {
  return folder + numbered(*this, "e" + std::to_string(epoch.value()) + "-");
}

std::optional<FoundPart> parse_part(std::string folder, std::string_view file) {
  const bool hidden = file.starts_with('.');
  if (hidden) {
    if (!file.ends_with(kHiddenEnding)) return std::nullopt;
    file.remove_prefix(1);
    file.remove_suffix(kHiddenEnding.size());
  }
  const std::size_t dot = file.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  std::vector<std::string> words = split(file.substr(0, dot), '-');
  FoundPart found{{std::move(folder), 0, "", 0, std::string(file.substr(dot + 1))}, std::nullopt};
  if (!hidden && words.size() == 5 && words[2].starts_with('e')) {
    const auto epoch = digits(words[2].substr(1));
    if (!epoch) return std::nullopt;
    found.epoch = Epoch(*epoch);
    words.erase(words.begin() + 2);
  } else if (!hidden) {
    return std::nullopt;
  }
  if (words.size() != 4 || words[0] != "part" || words[2].size() != 8) return std::nullopt;
  const auto instance = digits(words[1]);
  const auto number = digits(words[3]);
  if (!instance || !number) return std::nullopt;
  found.name.instance = static_cast<std::uint32_t>(*instance);
  found.name.run = words[2];
  found.name.number = *number;
  return found;
}

std::optional<PartName> parse_key(std::string_view key) {
  const std::size_t slash = key.rfind('/');
  const std::size_t at = slash == std::string_view::npos ? 0 : slash + 1;
  const auto found =
      parse_part(std::string(key.substr(0, at)), "." + std::string(key.substr(at)) + std::string(kHiddenEnding));
  if (!found) return std::nullopt;
  return found->name;
}

std::uint32_t owner_of_part(const PartName& name, std::uint32_t parallelism) {
  return owner_of_key(name.key(), parallelism);
}

std::uint32_t owner_of_key(const std::string& key, std::uint32_t parallelism) {
  std::string encoded(1, '\1');  // as append_key() does
  for (int shift = 0; shift < 32; shift += 8) encoded += static_cast<char>((key.size() >> shift) & 0xff);
  return owner_of_split(hash_key(encoded + key), parallelism);
}

std::string escape_folder(std::string_view value) {
  constexpr std::string_view kPlain = "-_.:+ ";
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || kPlain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

}  // namespace stream
