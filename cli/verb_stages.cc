#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.h"
#include "cli/verb.h"
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

int show(FolderCatalogue& catalogue, const std::string& name, bool json) {
  const auto info = catalogue.find(name);
  if (!info.ok()) return fail("stages", info.status());
  if (*info == nullptr) {
    const Status status(Code::kFailed,
                        "there is no stage program '" + name + "'" + did_you_mean(name, catalogue.names()));
    return fail("stages", status);
  }
  const auto text = ask_child((*info)->executable, {json ? "--describe" : "--help"}, "");
  if (!text.ok()) return fail("stages", text.status());
  std::fputs(text->c_str(), stdout);
  return kDone;
}

}  // namespace

int verb_stages(std::span<const std::string> args) {
  std::string name;
  bool json = false;
  const auto declare = [&](CLI::App& app) {
    app.add_option("NAME", name, "a stage; without one all are listed");
    app.add_flag("--json", json, "print JSON, a line a stage");
  };
  return run_verb("stages", args, declare, [&] {
    FolderCatalogue catalogue(stage_folders(), cache_folder(), system_files());
    return name.empty() ? list(catalogue, json) : show(catalogue, name, json);
  });
}

}  // namespace stream
