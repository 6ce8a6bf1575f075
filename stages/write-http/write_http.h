// WriteHttp: the sink behind stream-write-http.
#pragma once

#include <memory>
#include <string>

#include "stages/kit/outbox_sink.h"
#include "stages/write-http/requests.h"

namespace httplib {
class Client;
}

namespace stream {

// "https://host:port" and what is behind it.
struct HttpTarget {
  std::string server;
  std::string path;
};
Result<HttpTarget> parse_target(std::string_view url);

PlanAnswer plan_write_http(const PlanRequest& request);

class WriteHttp final : public OutboxSink {
 public:
  static Result<std::unique_ptr<Sink>> make(Context& context);
  ~WriteHttp() override;

  Status rewind(Epoch epoch) override;

 private:
  WriteHttp(Context& context, HttpTarget target, Requests requests);
  Status begin(Epoch epoch, std::span<const Prepared> pending) override;
  Status make_visible(std::span<const Prepared> due) override;
  Status write_now(const std::vector<Batch>& batches) override;
  Status prepare_client();
  Status send(const HttpBody& body);
  Status try_once(const HttpBody& body, std::string* retry_after);

  Context& context_;
  const HttpTarget target_;
  const Microseconds patience_;
  Requests requests_;
  std::string content_type_;
  std::unique_ptr<httplib::Client> client_;
};

}  // namespace stream
