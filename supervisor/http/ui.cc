#include "supervisor/http/ui.h"

#include <algorithm>
#include <array>

namespace stream::http {
namespace {

constexpr std::string_view kFolder = "/ui/";
constexpr std::string_view kIndex = "index.html";

// Nothing but our own files is loaded or run, and no other page shows ours within itself.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

struct Type {
  std::string_view ending;
  std::string_view type;
};
constexpr std::array kTypes = {Type{".html", "text/html; charset=UTF-8"}, Type{".css", "text/css; charset=UTF-8"},
                               Type{".js", "text/javascript; charset=UTF-8"}, Type{".svg", "image/svg+xml"},
                               Type{".webmanifest", "application/manifest+json"}};

std::string_view type_of(std::string_view name) {
  const auto* at = std::ranges::find_if(kTypes, [&](const Type& type) { return name.ends_with(type.ending); });
  return at == kTypes.end() ? "text/plain; charset=UTF-8" : at->type;
}

const UiFile* find_file(std::string_view name) {
  const auto files = ui_files();
  const auto at = std::ranges::find(files, name, &UiFile::name);
  return at == files.end() ? nullptr : &*at;
}

// "/ui/1a2b/style.css" -> "style.css"; pages that an older program has sent find what they need as well.
struct Asked {
  const UiFile* file = nullptr;
  bool versioned = false;
};
Asked asked_by(std::string_view target) {
  std::string_view path = target.substr(0, target.find_first_of("?#"));
  if (path == "/" || path == "/ui" || path == kFolder) return {find_file(kIndex)};
  if (path == "/favicon.ico") return {find_file("icon.svg")};
  if (!path.starts_with(kFolder)) return {};
  path.remove_prefix(kFolder.size());
  const std::size_t slash = path.find('/');
  if (slash == std::string_view::npos) return {find_file(path)};
  return {find_file(path.substr(slash + 1)), path.substr(0, slash) == ui_version()};
}

}  // namespace

bool is_ui(std::string_view method, std::string_view target) {
  return (method == "GET" || method == "HEAD") && asked_by(target).file != nullptr;
}

Answer ui_answer(std::string_view target, std::string_view if_none_match) {
  const Asked asked = asked_by(target);
  const std::string tag = '"' + std::string(ui_version()) + '"';
  Answer answer{.text = std::string(asked.file->text), .type = std::string(type_of(asked.file->name))};
  answer.headers = {{"ETag", tag},
                    {"Cache-Control", asked.versioned ? "public, max-age=31536000, immutable" : "no-cache"},
                    {"Content-Security-Policy", std::string(kPolicy)},
                    {"X-Content-Type-Options", "nosniff"},
                    {"Referrer-Policy", "no-referrer"},
                    {"Cross-Origin-Opener-Policy", "same-origin"}};
  if (if_none_match.find(tag) != std::string_view::npos) {
    answer.status = 304;
    answer.text.clear();
  }
  return answer;
}

}  // namespace stream::http
