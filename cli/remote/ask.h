// What of a remote verb speaks HTTP: libstream-remote.so, which only such a verb loads.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace stream {

struct RemoteQuestion {
  std::string method = "POST";
  std::string url;                                  // "https://host:8081"
  std::string path;                                 // "/commands"
  std::string body;                                 // JSON
  std::string token;                                // "" = none
  std::string authority;                            // file of certificates; "" = the system's
  std::function<void(int socket)> connecting = {};  // called with the socket that is about to be used
};

struct RemoteAnswer {
  enum class Failure : std::uint8_t { kNone, kUnreachable, kNoTls, kAuthority, kCertificate, kBroken };
  Failure failure = Failure::kNone;  // before or while the answer came
  int status = 0;                    // of HTTP; 0 = there was none
  std::string text = {};             // of an answer that is not 200, its beginning
};

// `take` is given what comes behind the head of an answer 200; false: no more is wanted.
using AskRemote = RemoteAnswer (*)(const RemoteQuestion& question, const std::function<bool(std::string_view)>& take);

}  // namespace stream
