#include "snapshot/spool.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <map>

namespace stream {
namespace {

constexpr std::string_view kLength = "length";
constexpr std::string_view kForgotten = "forgotten";
constexpr std::array<std::string_view, 3> kStates = {"open", "ended", "cut"};

bool parse_number(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::string path_of(const std::string& folder, const std::string& name) { return folder + "/" + name; }

Result<std::uint64_t> stored_bytes(Files& files, const std::string& folder, const SpooledFiles& spooled) {
  if (spooled.segments.empty()) return std::uint64_t{0};
  const std::string last = path_of(folder, spool_segment_name({spooled.input, spooled.segments.back()}));
  // Only the last one can hold bytes that are not durable.
  STREAM_TRY(files.sync_file(last));
  STREAM_ASSIGN(const std::uint64_t size, files.size(last));
  return spooled.segments.back() + size;
}

Status cut_input(Files& files, const std::string& folder, const SpooledFiles& spooled) {
  const auto known = read_spool_length(files, folder, spooled.input);
  if (known.ok() && known->state != SpoolState::kOpen) return {};
  STREAM_ASSIGN(const std::uint64_t bytes, stored_bytes(files, folder, spooled));
  const std::string path = path_of(folder, spool_length_name(spooled.input));
  STREAM_TRY(files.write_file(path, spool_length_text({bytes, SpoolState::kCut})));
  return files.sync_file(path);
}

}  // namespace

std::string spool_length_text(const SpoolLength& length) {
  char text[64];
  const auto bytes = static_cast<unsigned long long>(length.bytes);
  const std::string_view state = kStates[static_cast<std::size_t>(length.state)];
  // Of one width, so that a new text covers an old one whole.
  std::snprintf(text, sizeof text, "%020llu %-5.*s %020llu\n", bytes, static_cast<int>(state.size()), state.data(),
                bytes);
  return text;
}

Result<SpoolLength> parse_spool_length(std::string_view text) {
  SpoolLength length;
  std::uint64_t again = 0;
  const bool shaped = text.size() == 48 && text[20] == ' ' && text[26] == ' ' && text[47] == '\n';
  if (!shaped || !parse_number(text.substr(0, 20), length.bytes) || !parse_number(text.substr(27, 20), again) ||
      length.bytes != again) {
    return corrupt("the length of the spooled input is half written");
  }
  std::string_view word = text.substr(21, 5);
  word = word.substr(0, word.find(' '));
  const auto state = std::ranges::find(kStates, word);
  if (state == kStates.end()) return corrupt("the state of the spooled input is half written");
  length.state = static_cast<SpoolState>(state - kStates.begin());
  return length;
}

std::string spool_length_name(std::uint64_t input) { return std::to_string(input) + "-" + std::string(kLength); }

std::string spool_segment_name(const SpoolPosition& begin) {
  char offset[32];
  std::snprintf(offset, sizeof offset, "%020llu", static_cast<unsigned long long>(begin.offset));
  return std::to_string(begin.input) + "-" + offset;
}

std::vector<SpooledFiles> spooled_files(const std::vector<std::string>& names) {
  std::map<std::uint64_t, std::vector<std::uint64_t>> inputs;
  for (const std::string& name : names) {
    const std::size_t dash = name.find('-');
    std::uint64_t input = 0;
    std::uint64_t offset = 0;
    if (dash == std::string::npos || !parse_number(std::string_view(name).substr(0, dash), input)) continue;
    const std::string_view rest = std::string_view(name).substr(dash + 1);
    if (rest == kLength)
      inputs[input];
    else if (parse_number(rest, offset))
      inputs[input].push_back(offset);
  }
  std::vector<SpooledFiles> spool;
  for (auto& [input, segments] : inputs) {
    std::ranges::sort(segments);
    spool.push_back({input, std::move(segments)});
  }
  return spool;
}

std::vector<std::string> spool_garbage(const std::vector<SpooledFiles>& spool, const SpoolPosition& keep) {
  std::vector<std::string> names;
  for (const auto& [input, segments] : spool) {
    const bool before = input < keep.input;
    for (std::size_t i = 0; i < segments.size(); ++i) {
      const bool read = input == keep.input && i > 0 && i + 1 < segments.size() && segments[i + 1] <= keep.offset;
      if (before || read) names.push_back(spool_segment_name({input, segments[i]}));
    }
    if (before) names.push_back(spool_length_name(input));
  }
  return names;
}

Result<std::vector<SpooledFiles>> list_spool(Files& files, const std::string& folder) {
  auto names = files.list(folder);
  if (names.status().code() == Code::kNotFound) return std::vector<SpooledFiles>();
  if (!names.ok()) return std::move(names).status();
  return spooled_files(*names);
}

Result<SpoolLength> read_spool_length(Files& files, const std::string& folder, std::uint64_t input) {
  STREAM_ASSIGN(const std::string text, files.read_file(path_of(folder, spool_length_name(input))));
  return parse_spool_length(text);
}

Result<bool> spool_is_whole(Files& files, const std::string& folder) {
  const auto names = files.list(folder);
  if (names.status().code() == Code::kNotFound) return true;
  if (!names.ok()) return names.status();
  return std::ranges::find(*names, kForgotten) == names->end();
}

Status forget_spool(Files& files, const std::string& folder, const SpoolPosition& keep) {
  STREAM_ASSIGN(const auto spool, list_spool(files, folder));
  const std::vector<std::string> garbage = spool_garbage(spool, keep);
  if (garbage.empty()) return {};
  STREAM_ASSIGN(const bool whole, spool_is_whole(files, folder));
  if (whole) {
    STREAM_TRY(files.write_file(path_of(folder, std::string(kForgotten)), ""));
    STREAM_TRY(files.sync_dir(folder));
  }
  for (const std::string& name : garbage) STREAM_TRY(files.remove(path_of(folder, name)));
  return {};
}

Status clear_spool(Files& files, const std::string& folder) {
  const auto names = files.list(folder);
  if (names.status().code() == Code::kNotFound) return {};
  if (!names.ok()) return names.status();
  // The marker last: what a crash leaves half deleted must not look whole.
  for (const std::string& name : *names) {
    if (name != kForgotten) STREAM_TRY(files.remove(path_of(folder, name)));
  }
  STREAM_TRY(files.remove(path_of(folder, std::string(kForgotten))));
  return files.remove(folder);
}

Status cut_spool(Files& files, const std::string& folder) {
  STREAM_ASSIGN(const auto spool, list_spool(files, folder));
  for (const SpooledFiles& spooled : spool) STREAM_TRY(cut_input(files, folder, spooled));
  return spool.empty() ? Status() : files.sync_dir(folder);
}

}  // namespace stream
