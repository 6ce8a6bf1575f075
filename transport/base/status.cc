#include "transport/base/status.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace stream {

void check_failed(const char* file, int line, const char* expression) {
  std::fprintf(stderr, "stream: fatal: internal check failed at %s:%d: %s\n", file, line, expression);
  std::abort();
}

Status Status::while_doing(std::string_view doing) && {
  if (!ok()) what_ = std::string(doing) + ": " + what_;
  return std::move(*this);
}

Status system_error(std::string_view verb, std::string_view object, int error_number) {
  std::string what = "unable to ";
  what.append(verb).append(" '").append(object).append("': ").append(std::strerror(error_number));
  return {error_number == ENOENT ? Code::kNotFound : Code::kSystem, std::move(what)};
}

}  // namespace stream
