#include "supervisor/pipeline_text.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "supervisor/implicit_source.h"
#include "supervisor/pipeline_options.h"
#include "transport/base/text.h"

namespace stream {
namespace {

Place place_of(std::size_t offset) { return {"pipeline", 1, static_cast<int>(offset) + 1}; }

class Splitter {
 public:
  Splitter(std::string_view text, Problems& problems) : text_(text), problems_(problems) {}

  std::vector<std::vector<Word>> run() {
    stages_.emplace_back();
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == ' ' || c == '\t' || c == '\n')
        ++at_;
      else if (c == '|')
        next_stage();
      else
        read_word();
    }
    if (stages_.back().empty()) problems_.add(place_of(at_), "a stage is missing at the end");
    return std::move(stages_);
  }

 private:
  void next_stage() {
    if (stages_.back().empty()) problems_.add(place_of(at_), "a stage is missing before '|'");
    stages_.emplace_back();
    ++at_;
  }

  void read_word() {
    Word word{"", at_, false};
    while (at_ < text_.size() && std::string_view(" \t\n|").find(text_[at_]) == std::string_view::npos) {
      const char c = text_[at_++];
      if (c == '\'')
        read_single(word);
      else if (c == '"')
        read_double(word);
      else if (c == '\\' && at_ < text_.size())
        word.text += text_[at_++];
      else
        word.text += c;
    }
    word.quoted_whole = text_.substr(word.offset + 1).starts_with(word.text) &&
                        (text_[word.offset] == '\'' || text_[word.offset] == '"');
    stages_.back().push_back(std::move(word));
  }

  void read_single(Word& word) {
    const std::size_t begin = at_ - 1;
    for (; at_ < text_.size(); ++at_) {
      const bool quote = text_[at_] == '\'';
      if (quote && (at_ + 1 >= text_.size() || text_[at_ + 1] != '\'')) {
        ++at_;
        return;
      }
      word.text += text_[at_];
      if (quote) ++at_;
    }
    problems_.add(place_of(begin), "this quote is not closed");
  }

  void read_double(Word& word) {
    const std::size_t begin = at_ - 1;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return;
      const bool escape =
          c == '\\' && at_ < text_.size() && std::string_view("\\\"$`").find(text_[at_]) != std::string_view::npos;
      word.text += escape ? text_[at_++] : c;
    }
    problems_.add(place_of(begin), "this quote is not closed");
  }

  std::string_view text_;
  Problems& problems_;
  std::size_t at_ = 0;
  std::vector<std::vector<Word>> stages_;
};

// The programs are called stream-NAME, which is what some will write.
std::string meant(const std::string& word, const std::vector<std::string>& names) {
  constexpr std::string_view kPrefix = "stream-";
  const std::string rest = word.starts_with(kPrefix) ? word.substr(kPrefix.size()) : "";
  if (std::ranges::find(names, rest) != names.end()) return "; write '" + rest + "'";
  return did_you_mean(word, names);
}

const StageInfo* find_program(const Word& word, Catalogue& catalogue, Problems& problems) {
  const auto found = catalogue.find(word.text);
  if (!found.ok()) {
    problems.add(place_of(word.offset), found.status().what());
    return nullptr;
  }
  if (*found == nullptr) {
    problems.add(place_of(word.offset),
                 "there is no stage program '" + word.text + "'" + meant(word.text, catalogue.names()));
  }
  return *found;
}

class Builder {
 public:
  Builder(Catalogue& catalogue, Problems& problems) : catalogue_(catalogue), problems_(problems) {}

  void add(const std::vector<Word>& words) {
    if (words.empty()) return;
    const StageInfo* info = find_program(words[0], catalogue_, problems_);
    if (info == nullptr) return;
    std::vector<Word> rest(words.begin() + 1, words.end());
    if (stages_.empty() && info->role != StageRole::kSource) rest = add_source(*info, rest);
    StageSpec stage{.name = unique_name(info->name), .run = info->name, .from = {}};
    stage.at = place_of(words[0].offset);
    read_stage_words(*info, rest, stage, problems_);
    connect(*info, stage);
    last_ = info->role;
    stages_.push_back(std::move(stage));
  }

  std::vector<StageSpec> finish() {
    if (!stages_.empty() && last_ != StageRole::kSink)
      add_ends("print", {{"--format", 0, false}, {"ndjson", 0, false}});
    return std::move(stages_);
  }

 private:
  // Returns what is left for the first stage.
  std::vector<Word> add_source(const StageInfo& first, const std::vector<Word>& words) {
    const auto source = catalogue_.find("read-file");
    SharedWords shared{{}, words};
    if (source.ok() && *source != nullptr) shared = share_words(**source, first, words);
    shared.source.insert(shared.source.begin(), Word{"-", 0, false});
    add_ends("read-file", std::move(shared.source));
    return std::move(shared.stage);
  }

  void add_ends(const std::string& run, std::vector<Word> arguments) {
    arguments.insert(arguments.begin(), Word{run, 0, false});
    const auto found = catalogue_.find(run);
    if (!found.ok() || *found == nullptr) {
      problems_.add({"pipeline", 0, 0}, "there is no stage program '" + run + "', which this pipeline needs");
      return;
    }
    StageSpec stage{.name = unique_name(run), .run = run, .from = {}};
    stage.at = place_of(0);
    read_stage_words(**found, std::span(arguments).subspan(1), stage, problems_);
    connect(**found, stage);
    last_ = (*found)->role;
    stages_.push_back(std::move(stage));
  }

  void connect(const StageInfo& info, StageSpec& stage) {
    if (info.role == StageRole::kSource && !stages_.empty()) {
      problems_.add(stage.at, "'" + info.name + "' is a source and can only be the first");
    } else if (info.role != StageRole::kSource && !stages_.empty()) {
      if (last_ == StageRole::kSink)
        problems_.add(stage.at, "'" + stages_.back().run + "' is a sink and can only be the last");
      stage.from = {{.stage = stages_.back().name, .output = "out", .name = "", .at = stage.at}};
    }
    if (info.inputs_max > 1) problems_.add(stage.at, "'" + info.name + "' has several inputs: write a manifest");
  }

  std::string unique_name(const std::string& run) {
    const int n = ++used_[run];
    return n == 1 ? run : run + "-" + std::to_string(n);
  }

  Catalogue& catalogue_;
  Problems& problems_;
  std::vector<StageSpec> stages_;
  std::map<std::string, int> used_;
  StageRole last_ = StageRole::kOperator;
};

}  // namespace

std::string adhoc_name(std::string_view text) {
  char name[32];
  std::snprintf(name, sizeof name, "adhoc-%08x", static_cast<unsigned>(hash_key(text) >> 32));
  return name;
}

std::vector<std::vector<Word>> split_pipeline(std::string_view text, Problems& problems) {
  return Splitter(text, problems).run();
}

PipelineSpec parse_pipeline(std::string_view text, const std::string& name, const std::string& folder,
                            Catalogue& catalogue, Problems& problems) {
  PipelineSpec pipeline;
  pipeline.ad_hoc = name.empty();
  pipeline.name = name.empty() ? adhoc_name(text) : name;
  if (!valid_name(pipeline.name)) problems.add({"pipeline", 0, 0}, "'" + pipeline.name + "' is not a name");
  pipeline.folder = folder;
  Builder builder(catalogue, problems);
  for (const std::vector<Word>& words : split_pipeline(text, problems)) builder.add(words);
  pipeline.stages = builder.finish();
  return pipeline;
}

}  // namespace stream
