// What may come next on the command line of `stream`: the completion scripts of all shells ask for it.
#pragma once

#include <span>
#include <string>

namespace stream {

// `words` are those behind `stream`; the last one is being typed and may be empty. A line for each
// candidate: its text, and behind a tab what it is. Besides, or instead: ":path" where a file or
// folder may stand, ":manifest" where a manifest may; shells list those best themselves.
std::string candidates_text(std::span<const std::string> words);

}  // namespace stream
