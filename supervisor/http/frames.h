// Server-sent events, as text: https://html.spec.whatwg.org/multipage/server-sent-events.html
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace stream::http {

// Shared by all who get the same.
using Frame = std::shared_ptr<const std::string>;

inline constexpr std::string_view kEventStream = "text/event-stream; charset=UTF-8";

// `data` may have several lines. "" as `event`: one without a name.
Frame event_frame(std::string_view event, std::string_view data);
// Nothing happens, but whoever comes again says this id.
Frame id_frame(std::string_view id);
// For nobody; tells that the connection lives.
Frame comment_frame(std::string_view text);

}  // namespace stream::http
