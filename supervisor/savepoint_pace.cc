#include "supervisor/savepoint_pace.h"

namespace stream {

void SavepointPace::worked(Microseconds wall, Microseconds cpu) {
  wall_ += wall;
  cpu_ += cpu;
  if (wall_ < kPatience) return;
  if (cpu_ < wall_ / kLeastShare) priority_ = ThreadPriority::kLow;
  wall_ = cpu_ = 0;
}

}  // namespace stream
