#include "supervisor/savepoint_refs.h"

#include <filesystem>

#include "snapshot/savepoint.h"
#include "supervisor/job_paths.h"
#include "transport/base/files.h"
#include "transport/base/text.h"

namespace stream {
namespace {

std::string epoch_name(const std::string& file) { return file.substr(0, file.find('.')); }

}  // namespace

Result<std::string> resolve_savepoint(const std::string& reference) {
  if (std::filesystem::exists(reference)) return std::filesystem::absolute(reference).lexically_normal().string();
  const std::size_t at = reference.rfind('@');
  if (at == std::string::npos) return usage_error("there is no savepoint '" + reference + "'");
  const std::string folder = job_paths(reference.substr(0, at)).savepoints();
  const std::string which = reference.substr(at + 1);
  const auto names = system_files().list(folder);
  if (!names.ok()) return usage_error("job '" + reference.substr(0, at) + "' has no savepoints");
  std::string best;
  std::int64_t newest = -1;
  std::vector<std::string> known;
  for (const std::string& name : *names) {
    const auto epoch = parse_integer(epoch_name(name));
    if (!epoch.ok()) continue;
    const auto index = load_savepoint(folder + "/" + name);
    if (!index.ok()) continue;
    known.push_back(epoch_name(name));
    if (!index->label.empty()) known.push_back(index->label);
    if (which == epoch_name(name) || (which == index->label && !which.empty())) return folder + "/" + name;
    if (*epoch > newest) {
      newest = *epoch;
      best = folder + "/" + name;
    }
  }
  if (which == "latest" && !best.empty()) return best;
  return usage_error("there is no savepoint '" + reference + "'" +
                     (known.empty() ? "" : "; there is " + join(known, ", ")));
}

}  // namespace stream
