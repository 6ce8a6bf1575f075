// Requests: rows cut into the bodies of requests, the same ones however often they are made.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "snapshot/outbox.h"
#include "stages/format/message_encoder.h"
#include "transport/base/clock.h"

namespace stream {

struct HttpBody {
  std::string text;
  std::string key;  // names the request: "RUN-STAGE-ORIGIN-EPOCH-NUMBER"; "" outside of a job
};

class Requests {
 public:
  struct Shape {
    bool array = false;        // of JSON: an array of the rows; else a row a line
    std::size_t rows_max = 1;  // in a request
    std::string run;           // "" outside of a job
    std::string stage;
  };
  Requests(Shape shape, MessageEncoder encoder) : shape_(std::move(shape)), encoder_(std::move(encoder)) {}

  // All requests of a committable's rows, in order.
  std::vector<HttpBody> of(const Committable& committable, const std::vector<Batch>& batches);

 private:
  std::string key(const Committable& committable, std::size_t number) const;
  void begin(std::string& body) const;
  void end(std::string& body) const;

  const Shape shape_;
  MessageEncoder encoder_;
};

// What an answer means for the request.
enum class Answer : std::uint8_t { kTaken, kLater, kNever };
Answer meaning(int status);

// How long to wait before the next try: doubles from 100 ms to 10 s, or as long as the server asked for, of the
// header Retry-After, which may be a date (then it counts as none); never longer than a minute.
Microseconds retry_delay(int tries, std::string_view retry_after);

}  // namespace stream
