// Taps: copies of an instance's rows for whoever listens, see stream-tap(1).
//
// Rows go as JSON lines into a Unix stream socket that somebody else has made. Nothing waits for its reader: what does
// not fit is dropped and counted, and a tap may take a twentieth of the time only, whatever passes. Lines:
//   H{"instance":"errors.0"}       first
//   E<message>                     why there will be nothing more
//   R{…}                           a row
//   D<rows>                        so many rows have passed unseen since the last D
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "transport/base/clock.h"
#include "transport/base/status.h"
#include "transport/record/batch.h"

namespace stream {

class TapPoint;

class Taps {
 public:
  struct Output {
    std::string name;
    SchemaPtr schema;        // null: nothing is emitted there
    bool connected = false;  // something reads it
  };

  Taps(std::string instance, const Clock& clock);
  ~Taps();

  // `request`: {"socket", "output", "where"}, the last as a list of conditions. A reader that is gone already is no
  // error, and what is wrong with the request is told to the reader.
  void open(std::string_view request, const std::vector<Output>& outputs);

  bool any() const { return !points_.empty(); }
  void see(std::size_t output, const Batch& batch);
  // Sends what is left, and forgets those nobody reads any more. Call now and then.
  void flush();

 private:
  std::string instance_;
  const Clock& clock_;
  std::vector<std::unique_ptr<TapPoint>> points_;
};

}  // namespace stream
