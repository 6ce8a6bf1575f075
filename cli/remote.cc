#include "cli/remote.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/command.h"
#include "cli/remote/ask.h"
#include "cli/remote_files.h"
#include "cli/remote_interrupt.h"
#include "cli/remote_keys.h"
#include "cli/remote_reader.h"
#include "cli/remote_rules.h"
#include "cli/terminal.h"
#include "supervisor/http/command_lines.h"
#include "transport/base/files.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using nlohmann::json;
using Failure = RemoteAnswer::Failure;

constexpr char kLibrary[] = "libstream-remote.so";
constexpr char kEntry[] = "stream_ask_remote";

// What is given, or what stands in the environment.
std::string setting(const VerbValues& values, const char* option, const char* variable) {
  if (values.has(option)) return values.text(option);
  const char* text = std::getenv(variable);
  return text == nullptr ? "" : text;
}

std::string server_of(const VerbValues& values) {
  std::string url = setting(values, "server", "STREAM_SERVER");
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::string quoted(const std::string& url) { return "the server '" + url + "'"; }

Result<std::string> token_of(const VerbValues& values) {
  const std::string file = setting(values, "token-file", "STREAM_TOKEN_FILE");
  if (file.empty()) return std::string();
  const auto text = system_files().read_file(file);
  if (!text.ok()) return usage_error("option '--token-file': " + text.status().what());
  const std::string token(trim(std::string_view(*text).substr(0, text->find('\n'))));
  if (!token.empty() && token.find_first_of(" \t\r") == std::string::npos) return token;
  return usage_error("option '--token-file': '" + file + "' holds no token: 'stream serve --new-token' prints one");
}

// The command as the server's own tables read it: names of options in full, what is positional at the end.
std::vector<std::string> words_of(const Verb& verb, const VerbValues& values) {
  std::vector<std::string> words = split(verb.name, ' ');
  std::vector<std::string> last;
  for (const VerbOption& option : verb.table->options) {
    const std::string name = "--" + std::string(option.name);
    for (const std::string& text : values.list(option.name)) {
      if (option.positional) {
        last.push_back(text);
      } else if (option.kind == ValueKind::kFlag) {
        words.push_back(name);
      } else if (text.empty()) {  // behind '=' it would be taken for none
        words.insert(words.end(), {name, text});
      } else {
        words.push_back(name + "=" + text);
      }
    }
  }
  if (!last.empty()) words.emplace_back("--");
  words.insert(words.end(), last.begin(), last.end());
  return words;
}

// A picture in place, where somebody sits in front of it.
bool shows_picture(const RemoteRule& rule, const VerbValues& values) {
  return !first_given(rule.draws_with, values).empty() && !values.has("json") && !values.has("csv");
}

json terminal_json(bool live) {
  const Terminal here = terminal();
  return {{"columns", here.columns},
          {"rows", here.rows},
          {"error-columns", here.error_columns},
          {"color", here.colour},
          {"live", live}};
}

// Prints what comes.
class Printing {
 public:
  // False: there is no more to print, or what comes is no answer to a command.
  bool take(std::string_view bytes) {
    partial_ += bytes;
    std::size_t begin = 0;
    for (std::size_t end; (end = partial_.find('\n', begin)) != std::string::npos; begin = end + 1) {
      if (!take_line(std::string_view(partial_).substr(begin, end - begin))) return false;
    }
    partial_.erase(0, begin);
    return partial_.size() <= http::kCommandLineMax;
  }

  const std::optional<http::CommandLine>& end() const { return end_; }
  int unprinted() const { return unprinted_; }  // errno

 private:
  bool take_line(std::string_view text) {
    auto line = http::read_command_line(text);
    if (!line.ok()) return false;
    switch (line->what) {
      case http::CommandLine::What::kSilence: return true;
      case http::CommandLine::What::kOut: return print(1, line->bytes);
      case http::CommandLine::What::kErr: return print(2, line->bytes);
      default: end_ = *std::move(line); return true;
    }
  }

  bool print(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) unprinted_ = errno;
      if (n < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  std::string partial_;
  std::optional<http::CommandLine> end_;
  int unprinted_ = 0;
};

// {"errors": ["why"]}, as the server says it.
std::string said_by_server(const std::string& text) {
  const json in = json::parse(text, nullptr, false);
  if (!in.is_object() || !in.contains("errors") || !in["errors"].is_array() || in["errors"].empty()) return "";
  const json& first = in["errors"].front();
  return first.is_string() ? first.get<std::string>() : "";
}

Status refused(const std::string& url, const RemoteAnswer& answer) {
  const std::string why = said_by_server(answer.text);
  if (why.empty()) {
    return usage_error("'" + url + "' answers " + std::to_string(answer.status) +
                       " and is no 'stream serve'; is the address right?");
  }
  const std::string begin = quoted(url) + " refuses: ";
  switch (answer.status) {
    case 400: return usage_error(why);
    case 401:
      return usage_error(begin + why.substr(0, why.find(':')) + "; give '--token-file' the file of one that is");
    case 403: return usage_error(begin + why);
    case 404:
    case 405: return usage_error(quoted(url) + " runs no commands: it is older than this program; update it");
    default: return {answer.status >= 500 ? Code::kSystem : Code::kUsage, begin + why};
  }
}

Status failure(const std::string& url, const std::string& authority, Failure what) {
  switch (what) {
    case Failure::kNone: return {};
    case Failure::kUnreachable:
      return {Code::kSystem, quoted(url) + " is not reachable: does 'stream serve' run there, at this address?"};
    case Failure::kNoTls: return {Code::kSystem, quoted(url) + " speaks no TLS: is it http:// that is meant?"};
    case Failure::kAuthority:
      return authority.empty() ? usage_error("'" + url + "' is no address of a server")
                               : usage_error("option '--ca-file': '" + authority + "' holds no certificates in PEM");
    case Failure::kCertificate:
      return {Code::kSystem, "the certificate of " + quoted(url) +
                                 " is not to be trusted: give '--ca-file' that of who has signed it, and call the "
                                 "server by a name that it is made for"};
    case Failure::kBroken:
      return {Code::kSystem, quoted(url) + " does not answer as a server of jobs does" +
                                 (url.starts_with("http://") ? ": is it https:// that is meant?" : "")};
  }
  return {};
}

int finish(const Verb& verb, const std::string& url, const std::string& authority, const RemoteAnswer& answer,
           const Printing& printing) {
  if (printing.end()) {
    if (printing.end()->what == http::CommandLine::What::kSignal) die_of_signal(printing.end()->number);
    return printing.end()->number;
  }
  if (printing.unprinted() == EPIPE) die_of_signal(SIGPIPE);
  if (printing.unprinted() != 0) return fail(verb.name, system_error("write", "standard output", printing.unprinted()));
  if (answer.status == 200) {
    return fail(verb.name,
                Status(Code::kSystem, quoted(url) + " has gone before the command was over; whether it was "
                                                    "carried out is told by 'stream ps' and 'stream events'"));
  }
  if (answer.status != 0) return fail(verb.name, refused(url, answer));
  return fail(verb.name, failure(url, authority, answer.failure));
}

Result<RemoteQuestion> question_of(const Verb& verb, const RemoteRule& rule, const VerbValues& values, bool live) {
  RemoteQuestion question{
      .method = "POST", .url = server_of(values), .path = "/commands", .body = {}, .token = {}, .authority = {}};
  STREAM_TRY(check_url(question.url));
  STREAM_ASSIGN(question.token, token_of(values));
  question.authority = setting(values, "ca-file", "STREAM_CA_FILE");
  if (!question.authority.empty() && ::access(question.authority.c_str(), R_OK) != 0)
    return usage_error("option '--ca-file': " + system_error("open", question.authority, errno).what());
  STREAM_ASSIGN(const auto files, files_to_send(verb, rule, values));
  question.body = json{{"arguments", words_of(verb, values)}, {"files", files}, {"terminal", terminal_json(live)}}.dump(
      -1, ' ', false, json::error_handler_t::replace);
  return question;
}

}  // namespace

Result<AskRemote> load_remote() {
  void* const library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);  // for good
  void* const entry = library == nullptr ? nullptr : ::dlsym(library, kEntry);
  if (entry == nullptr) return Status(Code::kSystem, std::string("unable to load what speaks HTTP: ") + ::dlerror());
  return reinterpret_cast<AskRemote (*)()>(entry)();
}

Status check_url(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::string rest = scheme == std::string::npos ? "" : url.substr(scheme + 3);
  const bool known = url.starts_with("http://") || url.starts_with("https://");
  if (known && !rest.empty() && rest.find_first_of("/?#@ ") == std::string::npos) return {};
  return usage_error("'" + url + "' is no address of a server; write http://HOST:PORT or https://HOST:PORT");
}

bool asks_server(const Verb& verb, const VerbValues& values) {
  const RunsAt at = remote_rule(verb).at;
  if (at == RunsAt::kAsks || (at == RunsAt::kHere && !values.has("server"))) return false;
  return !server_of(values).empty();
}

int run_remotely(const Verb& verb, const VerbValues& values) {
  const RemoteRule& rule = remote_rule(verb);
  if (rule.at == RunsAt::kHere)
    return fail(verb.name, usage_error("option '--server': this is about the machine it is run on; leave it out"));
  if (rule.at == RunsAt::kNowhere)
    return fail(verb.name, usage_error("a server cannot do that: " + std::string(rule.instead)));
  std::optional<RemoteKeys> keys(shows_picture(rule, values));
  auto question = question_of(verb, rule, values, keys->live());
  if (!question.ok()) return fail(verb.name, question.status());
  const auto ask = load_remote();
  if (!ask.ok()) return fail(verb.name, ask.status());
  ::signal(SIGPIPE, SIG_IGN);  // of the connection; that of what is printed is died of when all is told
  std::optional<RemoteInterrupt> interrupt;
  if (!first_given(rule.speaks_with, values).empty() || rule.speaks_with == "*") interrupt.emplace();
  if (interrupt) question->connecting = [&](int socket) { interrupt->connected(socket); };
  std::optional<ReaderWatch> watch(std::in_place);
  Printing printing;
  const RemoteAnswer answer = (*ask)(*question, [&](std::string_view bytes) { return printing.take(bytes); });
  watch.reset();
  keys.reset();
  const int interrupted = interrupt ? interrupt->number() : 0;
  interrupt.reset();
  // Ended by what it was told: as if that had come from here.
  if (interrupted != 0 && printing.end() && printing.end()->what == http::CommandLine::What::kSignal)
    die_of_signal(interrupted);
  return finish(verb, question->url, question->authority, answer, printing);
}

}  // namespace stream
