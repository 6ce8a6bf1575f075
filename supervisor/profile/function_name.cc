#include "supervisor/profile/function_name.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace stream::profile {
namespace {

constexpr std::size_t kArgumentsMax = 24;  // characters of a template's
constexpr std::size_t kNameMax = 200;

// Where the bracket that opens at `begin` is closed, or the end of the text. Within <…> those of operators, such as
// "operator<" and "->", do not count.
std::size_t closing(std::string_view text, std::size_t begin) {
  const char open = text[begin];
  const char close = open == '(' ? ')' : '>';
  int depth = 0;
  for (std::size_t i = begin; i < text.size(); ++i) {
    if (text[i] == open) ++depth;
    if (text[i] == close && (i == 0 || text[i - 1] != '-') && --depth == 0) return i;
  }
  return text.size();
}

bool opens_arguments(std::string_view text, std::size_t at, const std::string& before) {
  return text[at] == '<' && !before.ends_with("operator") && !before.ends_with("operator<");
}

// Without "(…)" and with "<…>" for what is long; "{lambda(int)#1}" becomes "{lambda#1}".
std::string without_arguments(std::string_view text) {
  constexpr std::string_view kAnonymous = "(anonymous namespace)";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with(kAnonymous)) {
      out += kAnonymous;
      i += kAnonymous.size() - 1;
    } else if (text[i] == '(' && out.ends_with("operator")) {
      out += "()";
      i = closing(text, i);
    } else if (text[i] == '(') {
      i = closing(text, i);
    } else if (opens_arguments(text, i, out)) {
      const std::size_t end = closing(text, i);
      out += end - i > kArgumentsMax ? "<…>" : std::string(text.substr(i, end - i + 1));
      i = end;
    } else {
      out += text[i];
    }
  }
  return out;
}

// What stands before a blank that is within no template, as "void f<int>".
std::string without_result(const std::string& text) {
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (std::string_view(text).substr(i).starts_with("operator")) break;
    if (text[i] == '<') ++depth;
    if (text[i] == '>') --depth;
    const bool anonymous = i >= 10 && text.compare(i - 10, 10, "(anonymous") == 0;
    if (text[i] == ' ' && depth == 0 && !anonymous) begin = i + 1;
  }
  return text.substr(begin);
}

}  // namespace

std::string short_name(std::string_view demangled) {
  std::string_view text = demangled.substr(0, demangled.find(" [clone"));
  std::string name = without_arguments(text);
  for (const std::string_view behind : {" const", " &", " &&", " volatile"}) {
    if (name.ends_with(behind)) name.resize(name.size() - behind.size());
  }
  name = without_result(name);
  for (char& c : name) {
    if (c == ';' || c == '\n') c = ':';  // they part frames and stacks
  }
  if (name.size() > kNameMax) name = name.substr(0, kNameMax) + "…";
  return name;
}

std::string readable_name(std::string_view symbol) {
  const std::string name(symbol.substr(0, symbol.find('@')));  // "poll@@GLIBC_2.2.5": of which version
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status),
                                                         &std::free);
  return short_name(text ? text.get() : name);
}

}  // namespace stream::profile
