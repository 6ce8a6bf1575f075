// The pages for people: files that were built into the program, at / and below /ui/. They hold nothing of any job, so
// whoever reaches the server gets them; what they show they ask for like any other client.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "supervisor/http/message.h"

namespace stream::http {

struct UiFile {
  std::string_view name;  // "style.css"
  std::string_view text;
};

// Generated from supervisor/web, sorted by name.
std::span<const UiFile> ui_files();
std::string_view ui_version();  // changes with any of them; part of their paths

// Whether that is one of those. Asked before anything else is.
bool is_ui(std::string_view method, std::string_view target);
// `if_none_match`: the header of that name.
Answer ui_answer(std::string_view target, std::string_view if_none_match);

}  // namespace stream::http
