#include "transport/base/mdoc.h"

#include <algorithm>
#include <cctype>

#include "transport/base/text.h"

namespace stream::mdoc {
namespace {

// The date of the last change of what is said here, not of the build: pages must not differ
// between two builds of one source.
constexpr std::string_view kDate = "November 27, 2026";

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) out += "\\&";
    if (c == '\\')
      out += "\\e";
    else
      out += c;
  }
  return out;
}

std::string argument(std::string_view text) {
  std::string out = "\"\\&";
  for (const char c : text) {
    if (c == '"')
      out += "\\(dq";
    else if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out + "\"";
}

std::string sentences(std::string_view text) {
  std::string out(text);
  for (std::size_t at = out.find(". "); at != std::string::npos; at = out.find(". ", at + 2)) out[at + 1] = '\n';
  return escaped(out) + "\n";
}

std::string paragraphs(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = text.find("\n\n");
    if (!out.empty()) out += ".Pp\n";
    out += sentences(trim(text.substr(0, end)));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 2);
  }
  return out;
}

std::string head(std::string_view name, std::string_view summary) {
  std::string upper(name);
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return ".Dd " + std::string(kDate) + "\n.Dt " + upper + " 1\n.Os stream " STREAM_VERSION "\n.Sh NAME\n.Nm " +
         std::string(name) + "\n.Nd " + escaped(summary) + "\n";
}

namespace {

// Lines as they are.
std::string literal(std::string_view lines) { return ".Bd -literal -offset indent\n" + escaped(lines) + ".Ed\n"; }

}  // namespace

std::string example(std::string_view explanation, std::string_view command, std::string_view output) {
  return sentences(explanation) + ".Pp\n.Dl " + argument(command) + "\n" + (output.empty() ? "" : literal(output));
}

std::string file(std::string_view name, std::string_view text) {
  return ".Pa " + argument(name) + "\nholds here\n" + literal(text);
}

}  // namespace stream::mdoc
