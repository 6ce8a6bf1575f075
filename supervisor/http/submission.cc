#include "supervisor/http/submission.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "storage/place.h"
#include "supervisor/job_paths.h"
#include "supervisor/manifest.h"
#include "transport/base/text.h"

namespace stream::http {
namespace {

using nlohmann::json;

// Why a path outside of the folders is not taken, and what helps.
std::string outside_text(const std::string& path, const std::vector<std::string>& roots) {
  if (roots.empty())
    return "'" + path + "' is a path, and the server was given no folder for those; start it with --root FOLDER";
  return "'" + path + "' is not inside a folder that the server was given with --root: " + join(roots, ", ");
}

// For `include`: reads what is inside of the folders, and does nothing else.
class ConfinedFiles final : public Files {
 public:
  ConfinedFiles(Files& files, const std::vector<std::string>& roots) : files_(files), roots_(roots) {}

  Result<std::string> read_file(const std::string& path) override {
    if (!is_inside(path, roots_)) return outside(path);
    return files_.read_file(path);
  }
  Result<std::vector<std::string>> list(const std::string& path) override {
    if (!is_inside(path, roots_)) return outside(path);
    return files_.list(path);
  }
  Status write_file(const std::string& path, std::string_view) override { return outside(path); }
  Status sync_file(const std::string& path) override { return outside(path); }
  Status sync_dir(const std::string& path) override { return outside(path); }
  Status rename(const std::string& from, const std::string&) override { return outside(from); }
  Status remove(const std::string& path) override { return outside(path); }
  Status make_dir(const std::string& path) override { return outside(path); }
  Status truncate(const std::string& path, std::uint64_t) override { return outside(path); }

 private:
  Status outside(const std::string& path) const { return usage_error(outside_text(path, roots_)); }
  Files& files_;
  const std::vector<std::string>& roots_;
};

class Inspection {
 public:
  Inspection(const Permissions& permissions, Catalogue& catalogue, Problems& problems)
      : permissions_(permissions), catalogue_(catalogue), problems_(problems) {}

  void look_at(const PipelineSpec& pipeline) {
    if (!pipeline.checkpoint.path.empty()) check_path({}, "checkpoint: path", pipeline.checkpoint.path);
    if (!pipeline.savepoints.to.empty()) check_path({}, "savepoints: to", pipeline.savepoints.to);
    for (const StageSpec& stage : pipeline.stages) look_at(pipeline, stage);
  }

 private:
  void look_at(const PipelineSpec& pipeline, const StageSpec& stage) {
    const auto info = catalogue_.find(stage.run);
    const json options = json::parse(stage.options, nullptr, false);
    if (!info.ok() || *info == nullptr || !options.is_object())
      return problems_.add(stage.at, "there is no stage '" + stage.run + "' that could be looked at");
    for (const auto& [name, value] : options.items()) {
      const OptionInfo* option = (*info)->find(name);
      // What is not declared might be anything.
      if (option == nullptr) problems_.add(stage.at, no_option(**info, name, "'" + name + "'"));
      if (option == nullptr) continue;
      for (const std::string& text : texts_of(value)) check(pipeline, stage, *option, text);
    }
  }

  static std::vector<std::string> texts_of(const json& value) {
    std::vector<std::string> texts;
    if (value.is_string()) texts.push_back(value.get<std::string>());
    if (!value.is_structured()) return texts;
    for (const json& inner : value) {
      for (std::string& text : texts_of(inner)) texts.push_back(std::move(text));
    }
    return texts;
  }

  void check(const PipelineSpec& pipeline, const StageSpec& stage, const OptionInfo& option, const std::string& text) {
    const std::string what = "stage '" + stage.name + "': option '" + option.name + "'";
    // A flag of this name lets code do whatever the user may.
    const bool runs = option.kind == "command" || (option.name == "trusted" && text != "false");
    if (runs && !permissions_.exec)
      return problems_.add(stage.at, what + " runs programs, which the server was not allowed with --allow-exec");
    if (option.kind == "path") check_path(stage.at, what, in_folder(pipeline.folder_of(stage), text));
    if (option.kind != "secret") return;
    constexpr std::string_view kFile = "file:";
    if (text.starts_with(kFile))
      return check_path(stage.at, what, in_folder(pipeline.folder_of(stage), text.substr(kFile.size())));
    problems_.add(stage.at, what + " names a secret of the server; only file:PATH is taken from elsewhere");
  }

  static std::string in_folder(const std::string& folder, const std::string& path) { return located(folder, path); }

  void check_path(const Place& at, const std::string& what, const std::string& path) {
    if (!is_inside(path, permissions_.roots)) problems_.add(at, what + ": " + outside_text(path, permissions_.roots));
  }

  const Permissions& permissions_;
  Catalogue& catalogue_;
  Problems& problems_;
};

}  // namespace

bool is_inside(const std::string& path, const std::vector<std::string>& folders) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::weakly_canonical(path, error);
  if (error || !real.is_absolute()) return false;
  return std::ranges::any_of(folders, [&](const std::string& folder) {
    const std::filesystem::path root = std::filesystem::weakly_canonical(folder, error);
    return !error && std::ranges::mismatch(root, real).in1 == root.end();
  });
}

Status check_savepoint_place(const std::string& path, const Permissions& permissions) {
  std::vector<std::string> allowed = permissions.roots;
  for (const std::string& job : list_jobs()) allowed.push_back(job_paths(job).savepoints());
  if (path.starts_with('/') && is_inside(path, allowed)) return {};
  return usage_error("the savepoint '" + path +
                     "' is neither a job's own nor inside a folder that the server was given with --root");
}

void inspect(const PipelineSpec& pipeline, const Permissions& permissions, Catalogue& catalogue, Problems& problems) {
  Inspection(permissions, catalogue, problems).look_at(pipeline);
}

Result<std::vector<std::string>> check_submission(const Submission& submission, const Permissions& permissions,
                                                  Catalogue& catalogue, Files& files) {
  Problems problems;
  ConfinedFiles confined(files, permissions.roots);
  const std::string folder = permissions.roots.empty() ? "/" : permissions.roots.front();
  const Environment none = [](const std::string&) { return std::optional<std::string>(); };
  Overrides overrides;
  overrides.name = submission.name;
  overrides.parameters = submission.parameters;
  const auto pipelines =
      load_manifest({submission.text, "manifest", folder}, {catalogue, confined, none, overrides}, problems);
  STREAM_TRY(problems.status());
  std::vector<std::string> names;
  for (const PipelineSpec& pipeline : pipelines) {
    if (pipeline.name.empty() || pipeline.ad_hoc) problems.add({"manifest", 0, 0}, "it needs a name: 'pipeline: NAME'");
    names.push_back(pipeline.name);
    inspect(pipeline, permissions, catalogue, problems);
  }
  STREAM_TRY(problems.status());
  return names;
}

}  // namespace stream::http
