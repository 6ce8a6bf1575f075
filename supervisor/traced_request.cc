#include "supervisor/traced_request.h"

#include "supervisor/attempt.h"

namespace stream {

Status send_traced(AttemptRun& attempt, const std::string& stage, std::uint64_t by) {
  for (std::uint32_t i = 0; i < attempt.instances().size(); ++i) {
    const InstanceState& state = attempt.instances()[i];
    if (!state.can_be_traced || state.label.substr(0, state.label.rfind('.')) != stage) continue;
    STREAM_TRY(attempt.send(InstanceIndex(i), {"traced", by, {}, {}}));
  }
  return {};
}

}  // namespace stream
