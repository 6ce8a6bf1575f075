// S3 as Amazon describes it, path or host style, signed with version 4.
#include <curl/curl.h>

#include "storage/object_store.h"
#include "storage/s3/http.h"
#include "storage/s3/xml.h"

namespace stream {
namespace {

using Query = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kSignature = "; see that the credentials are those of this server";

// What stays as it is, and what may be otherwise in a moment.
Code code_of(long status, const std::string& error) {
  if (error == "NoSuchKey" || error == "NoSuchUpload") return Code::kNotFound;
  if (status == 408 || status == 409 || status == 429 || status >= 500) return Code::kSystem;
  return Code::kFailed;
}

class S3Store final : public ObjectStore {
 public:
  S3Store(const StoragePlace& place, const Credentials& credentials) : http_(place, credentials) {}

  Result<std::optional<std::string>> put(const std::string& key, std::string_view bytes,
                                         const PutCondition& condition) override {
    HttpRequest request{.method = "PUT", .key = key, .body = bytes};
    if (condition.if_absent) request.headers.emplace_back("If-None-Match", "*");
    if (!condition.if_etag.empty()) request.headers.emplace_back("If-Match", condition.if_etag);
    const bool conditional = !request.headers.empty();
    STREAM_ASSIGN(HttpAnswer answer, send("write", request));
    // What was to be replaced is gone: the condition does not hold either.
    const bool absent = answer.status == 404 && text_of(answer.body, "Code") == "NoSuchKey";
    if (conditional && (answer.status == 412 || absent)) return std::optional<std::string>();
    STREAM_TRY(check("write", request, answer));
    return std::optional(std::move(answer.etag));
  }

  Result<ObjectBytes> get(const std::string& key, std::uint64_t offset, std::uint64_t size_max) override {
    if (size_max == 0) return ObjectBytes{};
    HttpRequest request{.method = "GET", .key = key, .answer_max = size_max + (64 << 10)};
    request.headers.emplace_back("Range",
                                 "bytes=" + std::to_string(offset) + "-" + std::to_string(offset + size_max - 1));
    STREAM_ASSIGN(HttpAnswer answer, send("read", request));
    if (answer.status == 416) return ObjectBytes{"", std::move(answer.etag)};  // behind its end
    STREAM_TRY(check("read", request, answer));
    if (answer.status != 206 && offset > 0)
      return failed(about("read", request) + ": the server gives whole objects only");
    return ObjectBytes{std::move(answer.body), std::move(answer.etag)};
  }

  Result<ObjectFacts> facts(const std::string& key) override {
    const HttpRequest request{.method = "HEAD", .key = key};
    STREAM_ASSIGN(HttpAnswer answer, send("look at", request));
    if (answer.status == 404) return Status(Code::kNotFound, about("find", request) + ": there is no such object");
    STREAM_TRY(check("look at", request, answer));
    return ObjectFacts{key, answer.size_bytes, std::move(answer.etag)};
  }

  Result<std::vector<ObjectFacts>> list(const std::string& prefix) override {
    std::vector<ObjectFacts> found;
    std::string token;
    do {
      HttpRequest request{.method = "GET"};
      if (!token.empty()) request.query.emplace_back("continuation-token", token);
      request.query.emplace_back("list-type", "2");
      request.query.emplace_back("prefix", prefix);
      STREAM_ASSIGN(const HttpAnswer answer, send("list", request));
      STREAM_TRY(check("list", request, answer));
      auto page = list_page(answer.body);
      if (!page.ok()) return std::move(page).status().while_doing(about("list", request));
      for (ObjectFacts& facts : page->objects) found.push_back(std::move(facts));
      token = std::move(page->next);
    } while (!token.empty());
    return found;
  }

  Status remove(const std::string& key) override {
    const HttpRequest request{.method = "DELETE", .key = key};
    STREAM_ASSIGN(const HttpAnswer answer, send("remove", request));
    const Status done = check("remove", request, answer);
    return done.code() == Code::kNotFound ? Status() : done;
  }

  Result<std::string> begin_upload(const std::string& key) override {
    const HttpRequest request{.method = "POST", .key = key, .query = {{"uploads", ""}}};
    STREAM_ASSIGN(const HttpAnswer answer, send("begin", request));
    STREAM_TRY(check("begin", request, answer));
    std::string id = text_of(answer.body, "UploadId");
    if (id.empty()) return failed(about("begin", request) + ": the answer names no upload");
    return id;
  }

  Result<std::string> upload_part(const OpenUpload& upload, std::uint32_t number, std::string_view bytes) override {
    const HttpRequest request{.method = "PUT",
                              .key = upload.key,
                              .query = {{"partNumber", std::to_string(number)}, {"uploadId", upload.id}},
                              .body = bytes};
    STREAM_ASSIGN(HttpAnswer answer, send("write a part of", request));
    STREAM_TRY(check("write a part of", request, answer));
    return std::move(answer.etag);
  }

  Status complete_upload(const OpenUpload& upload, const std::vector<UploadedPart>& parts) override {
    const std::string document = complete_document(parts);
    const HttpRequest request{
        .method = "POST", .key = upload.key, .query = {{"uploadId", upload.id}}, .body = document};
    STREAM_ASSIGN(const HttpAnswer answer, send("complete", request));
    STREAM_TRY(check("complete", request, answer));
    if (elements(answer.body, "Error").empty()) return {};
    // Said after the answer had begun.
    const std::string error = text_of(answer.body, "Code");
    const Code code = error == "InternalError" ? Code::kSystem : code_of(400, error);
    return {code, about("complete", request) + ": " + text_of(answer.body, "Message")};
  }

  Status abort_upload(const OpenUpload& upload) override {
    const HttpRequest request{.method = "DELETE", .key = upload.key, .query = {{"uploadId", upload.id}}};
    STREAM_ASSIGN(const HttpAnswer answer, send("abort", request));
    const Status done = check("abort", request, answer);
    return done.code() == Code::kNotFound ? Status() : done;
  }

  Result<std::vector<OpenUpload>> list_uploads(const std::string& prefix) override {
    std::vector<OpenUpload> found;
    UploadPage page;
    do {
      HttpRequest request{.method = "GET"};
      if (page.truncated) request.query.emplace_back("key-marker", page.next_key);
      request.query.emplace_back("prefix", prefix);
      if (page.truncated) request.query.emplace_back("upload-id-marker", page.next_id);
      request.query.emplace_back("uploads", "");
      STREAM_ASSIGN(const HttpAnswer answer, send("list", request));
      STREAM_TRY(check("list", request, answer));
      page = upload_page(answer.body);
      for (OpenUpload& upload : page.uploads) {
        if (upload.key.starts_with(prefix)) found.push_back(std::move(upload));
      }
    } while (page.truncated && !(page.next_key.empty() && page.next_id.empty()));
    return found;
  }

 private:
  std::string about(std::string_view verb, const HttpRequest& request) const {
    return "unable to " + std::string(verb) + " 's3://" + http_.place().bucket +
           (request.key.empty() ? "" : "/" + request.key) + "'";
  }

  Result<HttpAnswer> send(std::string_view verb, const HttpRequest& request) {
    auto answer = http_.send(request);
    if (answer.ok()) return answer;
    return std::move(answer).status().while_doing(about(verb, request));
  }

  Status check(std::string_view verb, const HttpRequest& request, const HttpAnswer& answer) const {
    if (answer.status >= 200 && answer.status < 300) return {};
    const std::string error = text_of(answer.body, "Code");
    std::string why = text_of(answer.body, "Message");
    if (why.empty()) why = "the answer is " + std::to_string(answer.status);
    if (error == "NoSuchBucket") why = "there is no such bucket; make it first";
    if (answer.status == 301 || error == "AuthorizationHeaderMalformed")
      why = "the bucket is not in the region '" + http_.region() + "'" +
            (answer.region.empty() ? "" : ", but in '" + answer.region + "'") + "; name it with ?region=";
    if (answer.status == 403) why = (error.empty() ? "it is forbidden" : error) + std::string(kSignature);
    return {code_of(answer.status, error), about(verb, request) + ": " + why};
  }

  Http http_;
};

}  // namespace
}  // namespace stream

// What open.cc looks for in this library.
extern "C" stream::ObjectStore* stream_open_s3(const stream::StoragePlace& place,
                                               const stream::Credentials& credentials, stream::Status& status) {
  if (::curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    status = stream::failed("unable to begin to speak HTTP");
    return nullptr;
  }
  return new stream::S3Store(place, credentials);
}
