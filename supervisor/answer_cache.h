// AnswerCache: what stage programs have answered, kept in files, so that a program is asked once.
//
// A file holds the whole question and the hash of its answer: an answer is given only to the same bytes,
// and a damaged or foreign file is no answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "transport/base/files.h"

namespace stream {

// What changes whenever an executable is replaced or written: its path, size, inode and time of
// change. "" if it is not there.
std::string identity_of(const std::string& executable);

class AnswerCache {
 public:
  // `folder` is made if need be; "" keeps nothing. One that cannot be read or written is no error.
  AnswerCache(std::string folder, Files& files) : folder_(std::move(folder)), files_(files) {}

  // `name` is that of the file. Two questions of one name take it in turn: that costs asking again,
  // never a wrong answer.
  std::optional<std::string> find(const std::string& name, const std::string& question);
  void keep(const std::string& name, const std::string& question, const std::string& answer);

 private:
  std::string folder_;
  Files& files_;
};

// "describe-8a5f…": one file for each executable.
std::string describe_name(const std::string& executable);
// "plan-2f1": one of 1,024 files, so that the cache is bounded however many pipelines there are.
std::string plan_name(const std::string& question);

}  // namespace stream
