#include "supervisor/metrics/http_parts.h"

#include <dlfcn.h>

// Of a program that has the parts in itself.
extern "C" __attribute__((weak)) const stream::metrics::HttpParts* stream_http_parts();

namespace stream::metrics {
namespace {

constexpr char kLibrary[] = "libstream-http.so";
constexpr char kEntry[] = "stream_http_parts";

Result<const HttpParts*> load() {
  void* const library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);  // for good
  void* const entry = library == nullptr ? nullptr : ::dlsym(library, kEntry);
  if (entry == nullptr) return Status(Code::kSystem, std::string("unable to load what speaks HTTP: ") + ::dlerror());
  return reinterpret_cast<decltype(&stream_http_parts)>(entry)();
}

}  // namespace

Result<const HttpParts*> http_parts() {
  if (stream_http_parts != nullptr) return stream_http_parts();
  static const Result<const HttpParts*> loaded = load();
  return loaded;
}

}  // namespace stream::metrics
