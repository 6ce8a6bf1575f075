#include "supervisor/pipeline_options.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "supervisor/manifest_stages.h"
#include "supervisor/memory_size.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::ordered_json;

class WordReader {
 public:
  WordReader(const StageInfo& info, StageSpec& stage, Problems& problems)
      : info_(info), stage_(stage), problems_(problems) {}

  void run(std::span<const Word> words) {
    bool only_positional = false;
    for (std::size_t i = 0; i < words.size(); ++i) {
      const std::string& text = words[i].text;
      if (!only_positional && text == "--")
        only_positional = true;
      else if (!only_positional && text.starts_with("--"))
        i += named(words, i);
      else
        positional(words[i]);
    }
    for (const OptionInfo& option : info_.options) {
      if (option.required && !options_.contains(option.name)) {
        problems_.add(stage_.at, "'" + info_.name + "' needs " +
                                     (option.positional ? option.arg : "--" + option.name + " " + option.arg));
      }
    }
    stage_.options = options_.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  }

 private:
  // Returns how many further words were taken.
  std::size_t named(std::span<const Word> words, std::size_t at) {
    const std::string& text = words[at].text;
    const std::size_t equals = text.find('=');
    const std::string name = text.substr(2, equals == std::string::npos ? equals : equals - 2);
    const OptionInfo* option = name == "run" || name == "from" ? nullptr : info_.find(name);
    if (option == nullptr) {
      report(words[at], no_option(info_, name, "--" + name));
      return 0;
    }
    if (equals != std::string::npos) {
      set(*option, text.substr(equals + 1), words[at]);
      return 0;
    }
    if (option->kind == "flag") {
      set(*option, "true", words[at]);
      return 0;
    }
    if (at + 1 == words.size()) {
      report(words[at], "option '--" + name + "' needs a value");
      return 0;
    }
    set(*option, words[at + 1].text, words[at + 1]);
    return 1;
  }

  static std::string habit(const Word& word) {
    const bool redirect = word.text.starts_with('>') || word.text.starts_with('<');
    return redirect ? ": a pipeline redirects nothing; read with read-file, write with write-file" : "";
  }

  void positional(const Word& word) {
    const auto option = std::ranges::find(info_.options, true, &OptionInfo::positional);
    if (option == info_.options.end()) return report(word, "unexpected argument '" + word.text + "'" + habit(word));
    if (options_.contains(option->name)) {
      return report(word, "unexpected argument '" + word.text + "'; a value with blanks must be quoted");
    }
    set(*option, word.text, word);
  }

  void set(const OptionInfo& option, const std::string& value, const Word& word) {
    if (literal_secret(option, value))
      return report(word, "option '--" + option.name + "': " + std::string(kLiteralSecret));
    if (!reaches_stage(option.name)) return place(option.name, value, word);
    if (!options_.contains(option.name)) {
      options_[option.name] = value;
      const int column = static_cast<int>(word.offset) + 1;
      stage_.option_places[option.name] = {{"pipeline", 1, column}, word.quoted_whole ? column + 1 : 0};
    } else {
      append(option, value, word);
    }
  }

  // A second value. Where commas separate, one text holds all; else a list does.
  void append(const OptionInfo& option, const std::string& value, const Word& word) {
    const bool list = option.repeated || option.kind == "columns" || option.kind == "select";
    if (!list) return report(word, "option '--" + option.name + "' is given twice");
    ordered_json& held = options_[option.name];
    static const std::set<std::string_view> kWhole = {"path", "expression", "select", "command", "secret"};
    const bool whole = kWhole.contains(option.kind);
    if (!whole) {
      held = held.get<std::string>() + "," + value;
    } else {
      if (!held.is_array()) held = ordered_json::array({held});
      held.push_back(value);
    }
  }

  void place_within(const std::string& value, const Word& word) {
    const auto bounds = parse_bounds(value);
    if (!bounds.ok()) return report(word, bounds.status().what());
    stage_.bounds = *bounds;
    stage_.parallelism = bounds->least;
    stage_.parallelism_given = true;
  }

  void place(const std::string& name, const std::string& value, const Word& word) {
    if (name == "hosts" || name == "near" || name == "place")
      return report(word, "option '--" + name + "': hosts are named in a manifest, and stages placed there");
    if (name == "parallelism") {
      if (looks_like_bounds(value)) return place_within(value, word);
      const auto n = parse_integer(value);
      if (!n.ok() || *n < 1 || *n > 1024) return report(word, "'" + value + "' is not a number from 1 to 1024");
      stage_.parallelism = static_cast<std::uint32_t>(*n);
      stage_.parallelism_given = true;
    } else if (name == "memory") {
      const auto size = parse_memory(value);
      if (!size.ok()) return report(word, size.status().what());
      stage_.memory_bytes = *size;
    } else {
      const std::vector<std::string>& levels = info_.find("log")->choices;
      if (std::ranges::find(levels, value) == levels.end()) {
        return report(word, "'" + value + "' is not one of " + join(levels, ", ") + did_you_mean(value, levels));
      }
      stage_.log = value;
    }
  }

  void report(const Word& word, std::string message) {
    problems_.add({"pipeline", 1, static_cast<int>(word.offset) + 1}, std::move(message));
  }

  const StageInfo& info_;
  StageSpec& stage_;
  Problems& problems_;
  ordered_json options_ = ordered_json::object();
};

}  // namespace

void read_stage_words(const StageInfo& info, std::span<const Word> words, StageSpec& stage, Problems& problems) {
  WordReader(info, stage, problems).run(words);
}

}  // namespace stream
