// FailingFiles: the machine's file system, whose nth operation fails and whose others work: a disk
// that was full for a moment, a network that went away.
#pragma once

#include "transport/base/files.h"

namespace stream {

class FailingFiles final : public Files {
 public:
  // What the operation that fails has done nevertheless.
  enum class Effect { kNone, kAll };

  // Operations that change something count from 1.
  FailingFiles(int fails_at, Effect effect) : fails_at_(fails_at), effect_(effect) {}
  bool met() const { return operations_ >= fails_at_; }

  Status write_file(const std::string& path, std::string_view bytes) override {
    return act([&] { return under_.write_file(path, bytes); });
  }
  Result<std::string> read_file(const std::string& path) override { return under_.read_file(path); }
  Status copy_file(const std::string& from, const std::string& to) override {
    return act([&] { return under_.copy_file(from, to); });
  }
  Status sync_file(const std::string&) override {
    return act([] { return Status(); });
  }
  Status sync_dir(const std::string&) override {
    return act([] { return Status(); });
  }
  Status rename(const std::string& from, const std::string& to) override {
    return act([&] { return under_.rename(from, to); });
  }
  Status remove(const std::string& path) override {
    return act([&] { return under_.remove(path); });
  }
  Status make_dir(const std::string& path) override {
    return act([&] { return under_.make_dir(path); });
  }
  Status truncate(const std::string& path, std::uint64_t size) override {
    return act([&] { return under_.truncate(path, size); });
  }
  Result<std::vector<std::string>> list(const std::string& path) override { return under_.list(path); }

 private:
  template <class Operation>
  Status act(const Operation& operation) {
    if (++operations_ != fails_at_) return operation();
    if (effect_ == Effect::kAll) STREAM_TRY(operation());
    return {Code::kSystem, "operation " + std::to_string(fails_at_) + " failed"};
  }

  Files& under_ = system_files();
  int fails_at_;
  Effect effect_;
  int operations_ = 0;
};

}  // namespace stream
