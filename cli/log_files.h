// The files of a job's log as one text, from the oldest on, while they are rotated.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace stream {

class LogFiles {
 public:
  using Take = std::function<void(std::string_view bytes)>;

  explicit LogFiles(std::string folder);
  ~LogFiles();
  LogFiles(const LogFiles&) = delete;
  LogFiles& operator=(const LogFiles&) = delete;

  // Gives on what there is and has not been given yet.
  void read(const Take& take);
  // Whether files went before they were read; once.
  bool take_lost() { return std::exchange(lost_, false); }

 private:
  std::string path_of(int number) const;  // 0: the one that is written
  int place_of_open() const;              // its number now; -1: it is gone
  int oldest() const;                     // -1: there is none
  bool move_on();

  std::string folder_;
  int fd_ = -1;
  bool lost_ = false;
};

}  // namespace stream
