#include "stages/read-file/pipe_input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "stages/format/options.h"

namespace stream {

bool is_pipe(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode));
}

Status read_pipe_as_stdin(Values& options) {
  const std::string path = options.text("path");
  if (!is_pipe(path)) return {};
  const int fd = ::open(path.c_str(), O_RDONLY);
  if (fd < 0) return system_error("open", path, errno);
  const bool moved = fd == 0 || ::dup2(fd, 0) == 0;
  const int error = errno;
  if (fd != 0) ::close(fd);
  if (!moved) return system_error("read", path, error);
  if (!options.has("format")) options.set("format", std::string(format_name(format_from_path(path))));
  if (!options.has("delimiter") && delimiter_from_path(path) == '\t') options.set("delimiter", std::string("tab"));
  options.set("path", std::string("-"));
  return {};
}

}  // namespace stream
