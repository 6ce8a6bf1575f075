#include "storage/s3/http.h"

#include <curl/curl.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "transport/base/text.h"

namespace stream {
namespace {

constexpr long kConnectPatienceMs = 3'000;
constexpr long kStalledSeconds = 10;  // less than a byte a second for so long is no answer

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    hex += kDigits[digest[i] >> 4];
    hex += kDigits[digest[i] & 15];
  }
  return hex;
}

struct Incoming {
  HttpAnswer answer;
  std::size_t most = 0;
  bool too_long = false;
};

std::size_t on_body(const char* data, std::size_t size, std::size_t count, void* to) {
  auto& incoming = *static_cast<Incoming*>(to);
  if (incoming.answer.body.size() + size * count > incoming.most) {
    incoming.too_long = true;
    return 0;
  }
  incoming.answer.body.append(data, size * count);
  return size * count;
}

std::size_t on_header(const char* data, std::size_t size, std::size_t count, void* to) {
  auto& answer = static_cast<Incoming*>(to)->answer;
  const std::string_view line(data, size * count);
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size * count;
  const std::string name = lower(line.substr(0, colon));
  const std::string_view value = trim(line.substr(colon + 1));
  if (name == "etag") answer.etag = value;
  if (name == "x-amz-bucket-region") answer.region = value;
  return size * count;
}

class HeaderList {
 public:
  HeaderList() = default;
  ~HeaderList() { ::curl_slist_free_all(list_); }
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  void add(const std::string& line) { list_ = ::curl_slist_append(list_, line.c_str()); }
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

void set_method(CURL* handle, const HttpRequest& request) {
  if (request.method == "HEAD") {
    ::curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
  } else if (request.method != "GET") {
    ::curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.empty() ? "" : request.body.data());
    ::curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    ::curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

// A wait that ends: a server that stands still is found out, one that is slow may take its time.
void set_patience(CURL* handle) {
  ::curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, kConnectPatienceMs);
  ::curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  ::curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, kStalledSeconds);
}

}  // namespace

Http::Http(StoragePlace place, Credentials credentials)
    : place_(std::move(place)), credentials_(std::move(credentials)), endpoint_(place_.endpoint) {
  if (endpoint_.empty()) endpoint_ = "https://s3." + credentials_.region + ".amazonaws.com";
}

Http::~Http() {
  for (void* handle : idle_) ::curl_easy_cleanup(handle);
}

void* Http::take_handle() {
  {
    const std::scoped_lock lock(mutex_);
    if (!idle_.empty()) {
      void* const handle = idle_.back();
      idle_.pop_back();
      ::curl_easy_reset(handle);
      return handle;
    }
  }
  return ::curl_easy_init();
}

void Http::give_back(void* handle) {
  const std::scoped_lock lock(mutex_);
  idle_.push_back(handle);
}

std::string Http::url_of(const HttpRequest& request) const {
  std::string url = endpoint_;
  if (place_.bucket_in_path) {
    url += "/" + place_.bucket;
  } else {
    url.insert(url.find("://") + 3, place_.bucket + ".");
  }
  url += "/" + url_encoded(request.key, true);
  char before = '?';
  for (const auto& [name, value] : request.query) {
    url += before + url_encoded(name, false) + "=" + url_encoded(value, false);
    before = '&';
  }
  return url;
}

Result<HttpAnswer> Http::send(const HttpRequest& request) {
  CURL* const handle = take_handle();
  if (handle == nullptr) return failed("unable to make a connection: there is no memory");
  HeaderList headers;
  headers.add("Expect:");
  headers.add("Content-Type:");
  headers.add("x-amz-content-sha256: " + sha256_hex(request.body));
  if (!credentials_.session_token.empty()) headers.add("x-amz-security-token: " + credentials_.session_token);
  for (const auto& [name, value] : request.headers) headers.add(name + ": " + value);
  const std::string url = url_of(request);
  const std::string sign = "aws:amz:" + credentials_.region + ":s3";
  Incoming incoming;
  incoming.most = request.answer_max;
  ::curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  ::curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);
  ::curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  ::curl_easy_setopt(handle, CURLOPT_AWS_SIGV4, sign.c_str());
  ::curl_easy_setopt(handle, CURLOPT_USERNAME, credentials_.access_key.c_str());
  ::curl_easy_setopt(handle, CURLOPT_PASSWORD, credentials_.secret_key.c_str());
  ::curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  ::curl_easy_setopt(handle, CURLOPT_WRITEDATA, &incoming);
  ::curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
  ::curl_easy_setopt(handle, CURLOPT_HEADERDATA, &incoming);
  set_method(handle, request);
  set_patience(handle);
  const CURLcode code = ::curl_easy_perform(handle);
  ::curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &incoming.answer.status);
  curl_off_t size = 0;
  ::curl_easy_getinfo(handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &size);
  incoming.answer.size_bytes = size > 0 ? static_cast<std::uint64_t>(size) : 0;
  give_back(handle);
  if (incoming.too_long) return failed("the answer of " + endpoint_ + " is too long");
  if (code != CURLE_OK) return Status(Code::kSystem, endpoint_ + " gives no answer: " + ::curl_easy_strerror(code));
  return std::move(incoming.answer);
}

}  // namespace stream
