#include "snapshot/fetch.h"

#include <sys/stat.h>

#include <set>
#include <string_view>

#include "snapshot/checkpoint.h"
#include "snapshot/digest.h"

namespace stream {
namespace {

bool is_as_it_should_be(Files& files, const FileRef& file, const std::string& path, bool check_content) {
  const auto found = files.size(path);
  if (!found.ok() || *found != file.size_bytes) return false;
  if (!check_content) return true;
  const auto digest = digest_file(path);
  return digest.ok() && digest->sha256 == file.sha256;
}

Status fetch_partial(Files& files, const FileRef& file, const std::string& partial, const FetchFile& fetch,
                     const std::string& whence) {
  STREAM_TRY(fetch(file.path, file.size_bytes, partial));
  if (is_as_it_should_be(files, file, partial, true)) return files.sync_file(partial);
  return corrupt("'" + whence + "/" + file.path + "' does not match its SHA-256");
}

}  // namespace

Status make_present(Files& files, const FileRef& file, const std::string& folder, bool check_content,
                    const FetchFile& fetch, const std::string& whence) {
  const std::string path = folder + "/" + file.path;
  if (is_as_it_should_be(files, file, path, check_content)) return {};
  const std::string partial = path + ".partial";
  STREAM_TRY(files.make_dir(path.substr(0, path.rfind('/'))));
  if (Status got = fetch_partial(files, file, partial, fetch, whence); !got.ok()) {
    (void)files.remove(partial);
    if (is_damage(got)) (void)files.remove(path);
    return got;
  }
  ::chmod(partial.c_str(), 0444);
  return files.rename(partial, path);
}

Status keep_only(Files& files, const std::string& folder, const std::vector<FileRef>& wanted) {
  std::set<std::string_view> paths;
  for (const FileRef& file : wanted) paths.insert(file.path);
  const auto epochs = files.list(folder);
  if (!epochs.ok()) return epochs.status().code() == Code::kNotFound ? Status() : epochs.status();
  for (const std::string& epoch : *epochs) {
    STREAM_ASSIGN(const auto names, files.list(folder + "/" + epoch));
    for (const std::string& name : names) {
      const std::string path = epoch + "/" + name;
      if (!paths.contains(path)) STREAM_TRY(files.remove(folder + "/" + path));
    }
  }
  return {};
}

Status make_present(Files& files, const RestoreSource& source, const FetchFile& fetch, const std::string& whence) {
  std::vector<FileRef> wanted;
  for (const InstanceFiles& instance : source.instances)
    wanted.insert(wanted.end(), instance.files.begin(), instance.files.end());
  STREAM_TRY(keep_only(files, source.folder, wanted));
  for (const FileRef& file : wanted) {
    Status got = make_present(files, file, source.folder, false, fetch, whence);
    if (got.code() == Code::kNotFound) return corrupt(got.what());
    STREAM_TRY(std::move(got));
  }
  return {};
}

}  // namespace stream
