#include "supervisor/manifest.h"

#include <algorithm>

#include "supervisor/fragments.h"
#include "supervisor/manifest_autoscale.h"
#include "supervisor/manifest_hosts.h"
#include "supervisor/manifest_log.h"
#include "supervisor/manifest_metrics.h"
#include "supervisor/manifest_node.h"
#include "supervisor/manifest_settings.h"
#include "supervisor/manifest_slurm.h"
#include "supervisor/manifest_stages.h"
#include "supervisor/manifest_tests.h"
#include "transport/base/text.h"

namespace stream {
namespace {

std::string no_key(const std::string& key) {
  return "the manifest has no key '" + key + "'" + did_you_mean(key, names_of(manifest_keys()));
}

class ManifestReader {
 public:
  ManifestReader(const ManifestText& manifest, const ManifestContext& context, Problems& problems)
      : manifest_(manifest), context_(context), problems_(problems) {}

  PipelineSpec read_pipeline(Node root) {
    PipelineSpec pipeline;
    pipeline.folder = manifest_.folder;
    if (!check_map(root, "the manifest", manifest_keys(), problems_)) return pipeline;
    apply_settings(root);
    pipeline.parameters =
        read_parameters(root.find("parameters"), context_.overrides.parameters, {"-p", 0, 0}, problems_);
    substitute_below(root, pipeline.parameters, context_.environment, problems_);
    read_name(root, pipeline);
    read_settings(root, pipeline, problems_);
    read_hosts(root, pipeline, problems_);
    if (const Node* slurm = root.find("slurm")) pipeline.slurm = read_slurm(*slurm, problems_);
    std::vector<StageEntry> entries;
    std::vector<StageScope> scopes;
    if (const Node* include = root.find("include")) {
      read_fragments(*include, {manifest_.file, manifest_.folder, ""}, context_, entries, scopes, problems_);
    }
    append_stages(root, "", "", entries, problems_);
    if (root.find("stages") == nullptr) problems_.add(root.at, "'stages' is missing");
    pipeline.stages = read_stages(entries, scopes, context_.catalogue, problems_);
    check_placement(pipeline, problems_);
    check_autoscale(root, pipeline, problems_);
    if (const Node* sinks = root.find("log-to")) pipeline.log_to = read_log_to(*sinks, problems_);
    if (const Node* metrics = root.find("metrics")) pipeline.metrics = read_metrics(*metrics, problems_);
    if (const Node* evolve = root.find("evolve")) pipeline.evolve = read_evolve(*evolve, problems_);
    if (const Node* tests = root.find("tests")) {
      pipeline.tests = read_tests(*tests, pipeline, scopes, context_.catalogue, problems_);
    }
    if (context_.overrides.parallelism) set_parallelism(pipeline, *context_.overrides.parallelism);
    return pipeline;
  }

 private:
  void apply_settings(Node& root) {
    for (const auto& [path, value] : context_.overrides.settings) {
      if (std::ranges::find(manifest_keys(), path.front(), &ManifestKey::name) == manifest_keys().end()) {
        problems_.add({"--set " + join(path, "."), 0, 0}, no_key(path.front()));
        continue;
      }
      const Status status = set_scalar(root, path, value, {"--set " + join(path, "."), 0, 0});
      if (!status.ok()) problems_.add({"--set", 0, 0}, status.what());
    }
  }

  void read_name(const Node& root, PipelineSpec& pipeline) {
    pipeline.name = context_.overrides.name;
    const Node* node = root.find("pipeline");
    if (pipeline.name.empty() && node == nullptr) problems_.add(root.at, "'pipeline' is missing: the name of the job");
    if (pipeline.name.empty() && node != nullptr) read(root, "pipeline", pipeline.name, problems_);
    const Place at = node == nullptr ? root.at : node->at;
    if (!pipeline.name.empty() && !valid_name(pipeline.name)) problems_.add(at, not_a_name(pipeline.name));
  }

  static void set_parallelism(PipelineSpec& pipeline, std::uint32_t parallelism) {
    for (StageSpec& stage : pipeline.stages) {
      if (!stage.parallelism_given) stage.parallelism = parallelism;
    }
  }

  const ManifestText& manifest_;
  const ManifestContext& context_;
  Problems& problems_;
};

// "a=b" -> a, b. Errors: kUsage.
Result<std::pair<std::string, std::string>> split_assignment(const std::string& text, const char* flag) {
  const std::size_t equals = text.find('=');
  if (equals != std::string::npos && equals > 0) return std::pair(text.substr(0, equals), text.substr(equals + 1));
  return usage_error(std::string("option '") + flag + "': '" + text + "' is not of the form name=value");
}

std::string name_of(const Node& document) {
  const Node* name = document.find("pipeline");
  return name != nullptr && name->is_scalar() ? name->text : "";
}

// A name given for the job says which of several pipelines is meant.
void choose_document(std::vector<Node>& documents, const std::string& name, const std::string& file,
                     Problems& problems) {
  if (name.empty()) return;
  std::vector<std::string> names;
  for (const Node& document : documents) names.push_back(name_of(document));
  std::erase_if(documents, [&](const Node& document) { return name_of(document) != name; });
  if (!documents.empty()) return;
  problems.add({file, 0, 0}, "there is no pipeline '" + name + "' in this file; it has " + join(names, ", "));
}

}  // namespace

Result<Overrides> read_overrides(const std::vector<std::string>& parameters, const std::vector<std::string>& settings) {
  Overrides overrides;
  for (const std::string& text : parameters) {
    STREAM_ASSIGN(auto pair, split_assignment(text, "-p"));
    overrides.parameters[pair.first] = pair.second;
  }
  for (const std::string& text : settings) {
    STREAM_ASSIGN(auto pair, split_assignment(text, "--set"));
    overrides.settings.emplace_back(split(pair.first, '.'), pair.second);
  }
  return overrides;
}

std::vector<PipelineSpec> load_manifest(const ManifestText& manifest, const ManifestContext& context,
                                        Problems& problems) {
  std::vector<Node> documents = parse_document(manifest.text, manifest.file, problems);
  std::vector<PipelineSpec> pipelines;
  if (!problems.empty()) return pipelines;  // what follows would only repeat it less clearly
  if (documents.empty()) problems.add({manifest.file, 0, 0}, "the manifest is empty");
  if (documents.size() > 1) choose_document(documents, context.overrides.name, manifest.file, problems);
  ManifestReader reader(manifest, context, problems);
  for (Node& document : documents) {
    const Place at = document.at;
    PipelineSpec pipeline = reader.read_pipeline(std::move(document));
    if (std::ranges::find(pipelines, pipeline.name, &PipelineSpec::name) != pipelines.end() && !pipeline.name.empty()) {
      problems.add(at, "pipeline '" + pipeline.name + "' stands twice in this file");
    }
    pipelines.push_back(std::move(pipeline));
  }
  return pipelines;
}

}  // namespace stream
