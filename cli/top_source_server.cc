#include <nlohmann/json.hpp>

#include "cli/top_source.h"
#include "supervisor/child.h"

namespace stream {
namespace {

using nlohmann::json;

constexpr char kSelf[] = "/proc/self/exe";
constexpr Microseconds kPatience = 5'000'000;  // with one question
constexpr std::string_view kLogSince = "10m";  // of a log that may be long

class JobsOfServer : public TopSource {
 public:
  Result<std::vector<JobLoad>> loads() override;
  std::vector<json> list(const std::string& job, const std::string& what) override;
  std::vector<LogLine> log(const std::string& job) override;
};

// Without the name of the verb, which nobody has typed.
std::string reason_of(const Finished& done, const std::string& verb) {
  const std::string head = "stream " + verb + ": fatal: ";
  std::string said = done.err.substr(0, done.err.find('\n'));
  if (said.starts_with(head)) said.erase(0, head.size());
  return said.empty() ? "'stream " + verb + "' was ended by something" : said;
}

// What it prints, line by line.
Result<std::vector<std::string>> ask(const std::vector<std::string>& words) {
  STREAM_ASSIGN(const Finished done, run_child(kSelf, words, "", kPatience));
  if (done.signal != 0 || done.exit_code != 0) return Status(Code::kSystem, reason_of(done, words.front()));
  const std::string& text = done.out;
  std::vector<std::string> lines;
  for (std::size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    lines.push_back(text.substr(begin, end - begin));
  return lines;
}

Result<std::vector<json>> ask_for_json(const std::vector<std::string>& words) {
  STREAM_ASSIGN(const auto lines, ask(words));
  std::vector<json> out;
  for (const std::string& line : lines) {
    json one = json::parse(line, nullptr, false);
    if (one.is_object()) out.push_back(std::move(one));
  }
  return out;
}

Result<std::vector<JobLoad>> JobsOfServer::loads() {
  STREAM_ASSIGN(const auto summaries, ask_for_json({"ps", "--all", "--json"}));
  std::vector<JobLoad> loads;
  for (const json& summary : summaries) {
    JobLoad load = job_load(summary);
    if (load.running) {
      const auto stats = ask_for_json({"stats", "--json", load.name});
      if (stats.ok() && stats->size() == 1) load = job_load(stats->front());
    }
    loads.push_back(std::move(load));
  }
  return loads;
}

std::vector<json> JobsOfServer::list(const std::string& job, const std::string& what) {
  const std::vector<std::string> words = what == "events"
                                             ? std::vector<std::string>{"events", "--json", job}
                                             : std::vector<std::string>{"checkpoint", "--list", "--json", job};
  auto found = ask_for_json(words);
  return found.ok() ? *std::move(found) : std::vector<json>();
}

std::vector<LogLine> JobsOfServer::log(const std::string& job) {
  const auto said = ask({"logs", "--json", "--since", std::string(kLogSince), job});
  std::vector<LogLine> lines;
  for (const std::string& text : said.ok() ? *said : std::vector<std::string>()) {
    if (auto line = log_line_from_json(text)) lines.push_back(*std::move(line));
  }
  return lines;
}

}  // namespace

std::unique_ptr<TopSource> jobs_of_server() { return std::make_unique<JobsOfServer>(); }

}  // namespace stream
