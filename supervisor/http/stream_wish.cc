#include "supervisor/http/stream_wish.h"

#include <algorithm>

#include "transport/base/text.h"

namespace stream::http {
namespace {

constexpr std::uint8_t kAllButLogs = 0b01111;

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words = split(text, ',');
  std::erase(words, "");
  return words;
}

Result<std::uint8_t> topics_of(const std::string& text) {
  std::uint8_t topics = 0;
  const std::vector<std::string> known(kTopicNames.begin(), kTopicNames.end());
  for (const std::string& word : words_of(text)) {
    const auto at = std::ranges::find(known, word);
    if (at == known.end())
      return usage_error("'topics' knows no '" + word + "'" + did_you_mean(word, known) + "; it takes " +
                         join(known, ", "));
    topics |= static_cast<std::uint8_t>(1U << static_cast<unsigned>(at - known.begin()));
  }
  return topics == 0 ? kAllButLogs : topics;
}

}  // namespace

Result<StreamWish> make_stream_wish(const std::map<std::string, std::string, std::less<>>& query,
                                    const std::string& last_id) {
  const auto value = [&](std::string_view name) {
    const auto at = query.find(name);
    return at == query.end() ? std::string() : at->second;
  };
  StreamWish wish;
  wish.jobs = words_of(value("jobs"));
  STREAM_ASSIGN(wish.topics, topics_of(value("topics")));
  STREAM_ASSIGN(wish.logs, make_log_filter(value("stage"), value("level"), value("grep")));
  const std::string& id = last_id.empty() ? value("lastEventId") : last_id;
  if (id.empty()) return wish;
  const auto after = parse_integer(id);
  if (!after.ok() || *after < 0) return usage_error("'" + id + "' is no id that this stream has given");
  wish.after = *after;
  return wish;
}

std::string id_of_time(Microseconds at) { return std::to_string(at); }

}  // namespace stream::http
