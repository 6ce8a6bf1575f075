// mdoc(7), the language of manual pages: what the pages of section 1 are made of. They come from the
// option tables of stages and verbs, so that parsing, help and manual cannot disagree.
#pragma once

#include <string>
#include <string_view>

namespace stream::mdoc {

// Text that stands on lines of its own.
std::string escaped(std::string_view text);

// One argument of a macro: quoted, so that no word of it is a macro or punctuation.
std::string argument(std::string_view text);

// A sentence a line; ends with a line feed.
std::string sentences(std::string_view text);

// The same of paragraphs, which a blank line separates.
std::string paragraphs(std::string_view text);

// Title and NAME section of `name`(1).
std::string head(std::string_view name, std::string_view summary);

// What an example does, its shell line, and the lines that it prints, if they are to be shown.
std::string example(std::string_view explanation, std::string_view command, std::string_view output = {});

// A file that examples read.
std::string file(std::string_view name, std::string_view text);

}  // namespace stream::mdoc
