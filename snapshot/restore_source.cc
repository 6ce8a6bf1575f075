#include "snapshot/restore_source.h"

#include <nlohmann/json.hpp>

namespace stream {
namespace {

using nlohmann::json;

json to_value(const InstanceFiles& files) {
  json list = json::array();
  for (const FileRef& file : files.files) {
    list.push_back({{"path", file.path}, {"size", file.size_bytes}, {"sha256", file.sha256}, {"base", file.base}});
  }
  return {{"instance", files.instance}, {"files", std::move(list)}};
}

InstanceFiles files_of_value(const json& value) {
  InstanceFiles files;
  files.instance = value.at("instance").get<std::uint32_t>();
  for (const json& item : value.at("files")) {
    files.files.push_back({item.at("path").get<std::string>(), item.at("size").get<std::uint64_t>(),
                           item.at("sha256").get<std::string>(), item.at("base").get<bool>()});
  }
  return files;
}

template <class Read>
auto guarded(const char* what, const Read& read) -> decltype(read()) {
  try {
    return read();
  } catch (const json::exception& e) { return failed(std::string("not ") + what + ": " + e.what()); }
}

}  // namespace

std::string to_json(const InstanceFiles& files) { return to_value(files).dump(); }

std::string to_json(const RestoreSource& source) {
  json instances = json::array();
  for (const InstanceFiles& files : source.instances) instances.push_back(to_value(files));
  json value = {{"folder", source.folder},           {"local", source.local},
                {"epoch", source.epoch.value()},     {"parallelism", source.parallelism},
                {"instances", std::move(instances)}, {"extend", source.extend}};
  if (source.refed) value["refed"] = true;
  if (source.evolution != StageEvolution()) value["evolution"] = json::parse(to_json(source.evolution));
  return value.dump();
}

Result<InstanceFiles> instance_files_from_json(std::string_view text) {
  return guarded("files of an instance", [&]() -> Result<InstanceFiles> { return files_of_value(json::parse(text)); });
}

Result<RestoreSource> restore_source_from_json(std::string_view text) {
  return guarded("a restore source", [&]() -> Result<RestoreSource> {
    const json value = json::parse(text);
    RestoreSource source;
    source.folder = value.at("folder").get<std::string>();
    source.local = value.value("local", std::string());
    source.epoch = Epoch(value.at("epoch").get<std::uint64_t>());
    source.parallelism = value.at("parallelism").get<std::uint32_t>();
    source.extend = value.at("extend").get<bool>();
    source.refed = value.value("refed", false);
    if (value.contains("evolution")) {
      STREAM_ASSIGN(source.evolution, stage_evolution_from_json(value.at("evolution").dump()));
    }
    for (const json& item : value.at("instances")) source.instances.push_back(files_of_value(item));
    return source;
  });
}

}  // namespace stream
