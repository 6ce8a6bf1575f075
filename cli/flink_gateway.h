// Flink's SQL gateway, as far as a script is given to it.
#pragma once

#include <string>
#include <vector>

#include "cli/remote/ask.h"
#include "supervisor/flink/script.h"
#include "transport/base/status.h"

namespace stream {

struct FlinkJob {
  std::string id;
  std::string watch;  // where to look at it; "" if the gateway does not tell
};

class FlinkGateway {
 public:
  FlinkGateway(AskRemote ask, std::string url) : ask_(ask), url_(std::move(url)) {}

  // Runs a script in a session of its own, which is closed again. The first statement that fails ends it.
  // Errors: kSystem where the gateway is not reached, kFailed with Flink's reason.
  Result<FlinkJob> submit(const std::vector<flink::Statement>& script);

 private:
  Result<std::string> call(const std::string& method, const std::string& path, const std::string& body);
  Result<std::string> execute(const std::string& session, const std::string& sql);  // the job's id, or ""
  Result<FlinkJob> run(const std::string& session, const std::vector<flink::Statement>& script);
  std::string watch(const std::string& session, const std::string& job);

  AskRemote ask_;
  std::string url_;
};

// Of a text with Flink's stack traces the innermost reason, in one line.
std::string flink_reason(const std::string& text);

}  // namespace stream
