// Savepoints as files.
#include "supervisor/http/handlers.h"
#include "supervisor/http/savepoints.h"
#include "supervisor/http/streams.h"

namespace stream::http {

Answer get_savepoint_file(Call& call) {
  STREAM_HTTP_ASSIGN(const FoundSavepoint found,
                     find_savepoint(call.jobs, call.job.name, call.path.find("savepoint")->second));
  const std::string name = call.job.name + "-" + std::to_string(found.epoch) + ".tar.zst";
  STREAM_HTTP_ASSIGN(TakeOver take_over, call.streams.download({found.path, name, call.request.takes_chunks}));
  Answer answer{.text = "", .type = "application/zstd"};
  answer.headers = {{"Cache-Control", "no-store"}, {"Content-Disposition", "attachment; filename=\"" + name + "\""}};
  if (call.request.method == "HEAD") return answer;
  if (call.request.takes_chunks) answer.headers.emplace_back("Transfer-Encoding", "chunked");
  answer.take_over = std::move(take_over);
  return answer;
}

}  // namespace stream::http
