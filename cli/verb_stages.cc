#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.h"
#include "cli/json_schema.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "supervisor/child.h"
#include "supervisor/stage_folders.h"
#include "transport/base/text.h"

namespace stream {
namespace {

int list(FolderCatalogue& catalogue, bool json) {
  int code = kDone;
  for (const std::string& name : catalogue.names()) {
    const auto info = catalogue.find(name);
    if (!info.ok()) {
      code = fail("stages", info.status());
    } else if (json) {
      const nlohmann::ordered_json line = {{"name", name},
                                           {"kind", role_name((*info)->role)},
                                           {"summary", (*info)->summary},
                                           {"version", (*info)->version},
                                           {"executable", (*info)->executable}};
      std::printf("%s\n", line.dump().c_str());
    } else {
      std::printf("%-16s %-9s %s\n", name.c_str(), std::string(role_name((*info)->role)).c_str(),
                  (*info)->summary.c_str());
    }
  }
  return code;
}

int show(FolderCatalogue& catalogue, const std::string& name, const char* what) {
  const auto info = catalogue.find(name);
  if (!info.ok()) return fail("stages", info.status());
  if (*info == nullptr) {
    const Status status(Code::kFailed,
                        "there is no stage program '" + name + "'" + did_you_mean(name, catalogue.names()));
    return fail("stages", status);
  }
  const auto text = ask_child((*info)->executable, {what}, "");
  if (!text.ok()) return fail("stages", text.status());
  std::fputs(text->c_str(), stdout);
  return kDone;
}

int run(const VerbValues& values) {
  FolderCatalogue catalogue(stage_folders(), cache_folder(), system_files());
  const std::string& name = values.text("name");
  if (values.flag("json-schema"))
    return name.empty() ? print_manifest_schema(catalogue) : show(catalogue, name, "--json-schema");
  if (name.empty()) return list(catalogue, values.flag("json"));
  return show(catalogue, name, values.flag("json") ? "--describe" : "--help");
}

constexpr VerbOption kOptions[] = {
    {.name = "name",
     .arg = "NAME",
     .doc = "A stage, whose help is printed; without one all are listed.",
     .kind = ValueKind::kStageProgram,
     .positional = true},
    json_option("Print JSON, a line a stage; of one stage its options, inputs and outputs."),
    {.name = "json-schema",
     .doc = "Print the JSON Schema of a whole manifest with these stages, or of the map of one stage in it.",
     .kind = ValueKind::kFlag,
     .excludes = "json"},
};

constexpr VerbExample kExamples[] = {
    {"stream stages", "Lists them with what they are for."},
    {"stream stages filter", "Prints the help of stream-filter."},
    {"stream stages --json-schema > manifest.schema.json",
     "Lets an editor complete and check manifests, by '# yaml-language-server: $schema=manifest.schema.json' on top."},
};

}  // namespace

const VerbTable kStagesVerb = {
    .description =
        "Lists the stage programs that pipelines can name: executables stream-NAME beside the stream program, "
        "then in the folders of STREAM_STAGE_PATH. Each has a manual page of its own.\n\nWith --json-schema it prints "
        "what "
        "an editor needs to complete and check manifests as they are written: every key that 'stream check' takes, and "
        "what can be known of its value without planning.",
    .options = kOptions,
    .examples = kExamples,
    .no = "There is no such stage, or one does not describe itself.",
    .run = run,
};

}  // namespace stream
