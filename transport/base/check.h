// STREAM_CHECK: asserts what only a programmer's mistake can break; stays on in release.
// What a peer, a file or a user can break is checked and returned as a Status instead.
#pragma once

namespace stream {

[[noreturn]] void check_failed(const char* file, int line, const char* expression);

}  // namespace stream

#define STREAM_CHECK(expression) \
  (__builtin_expect(!!(expression), 1) ? (void)0 : ::stream::check_failed(__FILE__, __LINE__, #expression))
