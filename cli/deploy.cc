// What the targets of `stream deploy` share that run our own programs.
#include "cli/deploy.h"

#include <filesystem>

namespace stream {

Result<std::string> this_program() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return system_error("find", "this program", error.value());
  return self.lexically_normal().string();
}

Status check_manifest(const VerbValues& values, const std::string& target) {
  const std::string& argument = values.text("pipeline");
  if (argument.ends_with(".yaml") || argument.ends_with(".yml") || argument.ends_with(".json")) return {};
  return usage_error("--on " + target + " needs a manifest in a file, which is read again when the job goes on");
}

std::vector<std::string> run_words(const VerbValues& values, const std::string& job) {
  const std::filesystem::path manifest(values.text("pipeline"));
  std::vector<std::string> words = {"run", std::filesystem::absolute(manifest).lexically_normal().string(), "--name",
                                    job};
  for (const char* option : {"parameter", "set"}) {
    for (const std::string& value : values.list(option)) {
      words.push_back(std::string("--") + option);
      words.push_back(value);
    }
  }
  if (values.has("parallelism")) words.insert(words.end(), {"--parallelism", values.text("parallelism")});
  return words;
}

}  // namespace stream
