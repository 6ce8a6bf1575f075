// Status and Result: how every function of this project says that it failed.
//
// A code exists only where somebody reacts to it; everything else is kFailed with a
// message that reads outermost first: "unable to open 'x': No such file or directory".
// No exception crosses a module; third-party exceptions are turned into a Status where
// the third-party call stands.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "transport/base/check.h"

namespace stream {

enum class Code : unsigned char {
  kOk,
  kFailed,       // no caller can do better than report it; a stage exits 1 and is restarted
  kInterrupted,  // asked to stop; not a fault
  kPeerGone,     // the other end closed; a supervised stage waits for the rollback
  kCorrupt,      // stored or received bytes do not check; fall back to an earlier checkpoint
  kBadRecord,    // a record breaks `on-error: fail`, or a target refuses it; never restarted
  kUsage,        // wrong options or manifest, or what they name is of the wrong kind; never restarted
  kSystem,       // the operating system refused something
  kNotFound,     // the named thing does not exist
};

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string what) : code_(code), what_(std::move(what)) {}

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  const std::string& what() const { return what_; }

  // Returns the same code with "doing: " before the message. Returns OK unchanged.
  Status while_doing(std::string_view doing) &&;

 private:
  Code code_ = Code::kOk;
  std::string what_;
};

// The status of a failed system call: "unable to VERB 'object': <strerror>". kNotFound for
// ENOENT, else kSystem.
Status system_error(std::string_view verb, std::string_view object, int error_number);

inline Status failed(std::string what) { return {Code::kFailed, std::move(what)}; }
inline Status corrupt(std::string what) { return {Code::kCorrupt, std::move(what)}; }
inline Status usage_error(std::string what) { return {Code::kUsage, std::move(what)}; }

// A value or the Status that says why there is none. Reading the value of a failed
// Result is a programmer's mistake and aborts.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}         // NOLINT(google-explicit-constructor)
  Result(Status status) : status_(std::move(status)) {  // NOLINT(google-explicit-constructor)
    STREAM_CHECK(!status_.ok());
  }

  bool ok() const { return status_.ok(); }
  const Status& status() const& { return status_; }
  Status status() && { return std::move(status_); }

  T& operator*() & {
    STREAM_CHECK(ok());
    return *value_;
  }
  const T& operator*() const& {
    STREAM_CHECK(ok());
    return *value_;
  }
  T&& operator*() && {
    STREAM_CHECK(ok());
    return *std::move(value_);
  }
  T* operator->() {
    STREAM_CHECK(ok());
    return &*value_;
  }
  const T* operator->() const {
    STREAM_CHECK(ok());
    return &*value_;
  }

 private:
  std::optional<T> value_;
  Status status_;
};

// Returns from the enclosing function when `expression` is not OK.
#define STREAM_TRY(expression)                                                                                \
  do {                                                                                                        \
    if (::stream::Status stream_try_status = (expression); !stream_try_status.ok()) return stream_try_status; \
  } while (false)

#define STREAM_CONCAT_INNER(a, b) a##b
#define STREAM_CONCAT(a, b) STREAM_CONCAT_INNER(a, b)

// STREAM_ASSIGN(auto x, f()): x = *f(), or returns f's status.
#define STREAM_ASSIGN(declaration, expression) \
  STREAM_ASSIGN_IMPL(STREAM_CONCAT(stream_result_, __LINE__), declaration, expression)
#define STREAM_ASSIGN_IMPL(result, declaration, expression) \
  auto result = (expression);                               \
  if (!result.ok()) return std::move(result).status();      \
  declaration = *std::move(result)

}  // namespace stream
