#include "supervisor/http/frames.h"

namespace stream::http {
namespace {

// A line break of any kind ends a field: each line of the text becomes a field of its own.
void add_field(std::string& out, std::string_view name, std::string_view text) {
  for (;;) {
    const std::size_t end = text.find_first_of("\r\n");
    out.append(name).append(": ").append(text.substr(0, end)).append("\n");
    if (end == std::string_view::npos) return;
    text.remove_prefix(text.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
  }
}

Frame shared(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

}  // namespace

Frame event_frame(std::string_view event, std::string_view data) {
  std::string out;
  out.reserve(event.size() + data.size() + 24);
  if (!event.empty()) add_field(out, "event", event);
  add_field(out, "data", data);
  return shared(std::move(out) + "\n");
}

Frame id_frame(std::string_view id) {
  std::string out;
  add_field(out, "id", id);
  return shared(std::move(out) + "\n");
}

Frame comment_frame(std::string_view text) {
  std::string out;
  add_field(out, "", text);
  return shared(std::move(out) + "\n");
}

}  // namespace stream::http
