// TapListener: the other end of stages/kit/tap.h.
#pragma once

#include <poll.h>

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

#include <vector>

#include "transport/base/status.h"

namespace stream {

class TapListener {
 public:
  struct Line {
    std::string instance;
    char kind = 'R';  // R, D or E
    std::string text;
  };

  // Makes a socket at `path`, which goes with this object.
  static Result<std::unique_ptr<TapListener>> make(const std::string& path);
  ~TapListener();
  TapListener(const TapListener&) = delete;
  TapListener& operator=(const TapListener&) = delete;

  const std::string& path() const { return path_; }

  // Waits, at most so long, for lines and gives them on, as long as `take` wants more. False: it does not, or nobody
  // reads standard output any more.
  Result<bool> wait(int milliseconds, const std::function<bool(const Line&)>& take);
  // The same for who polls many: what to wait for, and with what of it is ready, what there is.
  void add_to(std::vector<pollfd>& wait) const;
  bool take_ready(std::span<const pollfd> ready, const std::function<bool(const Line&)>& take);
  bool connected() const { return !readers_.empty(); }

 private:
  struct Reader {
    std::string instance;
    std::string partial;
  };
  TapListener(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  void accept_all();
  bool read_from(int fd, const std::function<bool(const Line&)>& take);
  static bool take_lines(Reader& reader, const std::function<bool(const Line&)>& take);

  std::string path_;
  int fd_;
  std::map<int, Reader> readers_;
};

}  // namespace stream
