#include "stages/redis/tls.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <cerrno>
#include <cstring>

#include "stages/kit/no_sigpipe.h"

namespace stream {
namespace {

constexpr int kGreetingMilliseconds = 5'000;
constexpr int kAnswerMilliseconds = 10'000;

std::string library_words() {
  const unsigned long code = ERR_peek_last_error();
  const char* words = ERR_reason_error_string(code);
  const int system = errno;
  ERR_clear_error();
  if (words != nullptr) return words;
  return system != 0 ? std::strerror(system) : "the server has hung up";
}

bool is_number(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 || ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

Status not_tls() {
  return failed("the server gives no answer in TLS; if this is its port without TLS, write redis://");
}

Status unusable(std::string_view option, const std::string& path) {
  return usage_error("option '" + std::string(option) + "': unable to use '" + path + "': " + library_words());
}

}  // namespace

Result<std::unique_ptr<RedisTls>> RedisTls::begin(int fd, const std::string& host, const TlsFiles& files) {
  std::unique_ptr<RedisTls> out(new RedisTls(fd));
  STREAM_TRY(out->load(files));
  STREAM_TRY(out->greet(host));
  return out;
}

Status RedisTls::load(const TlsFiles& files) {
  settings_.reset(SSL_CTX_new(TLS_client_method()));
  if (settings_ == nullptr) return failed("unable to begin TLS: " + library_words());
  SSL_CTX* const settings = settings_.get();
  SSL_CTX_set_min_proto_version(settings, TLS1_2_VERSION);
  SSL_CTX_set_verify(settings, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(settings, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (files.authority.empty()) {
    SSL_CTX_set_default_verify_paths(settings);
  } else if (SSL_CTX_load_verify_file(settings, files.authority.c_str()) != 1) {
    return unusable("tls-ca", files.authority);
  }
  if (files.certificate.empty()) return {};
  if (SSL_CTX_use_certificate_chain_file(settings, files.certificate.c_str()) != 1) {
    return unusable("tls-cert", files.certificate);
  }
  const bool key = SSL_CTX_use_PrivateKey_file(settings, files.key.c_str(), SSL_FILETYPE_PEM) == 1;
  return key ? Status() : unusable("tls-key", files.key);
}

Status RedisTls::greet(const std::string& host) {
  ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
  session_.reset(SSL_new(settings_.get()));
  if (session_ == nullptr || SSL_set_fd(session_.get(), fd_) != 1) {
    return failed("unable to begin TLS: " + library_words());
  }
  if (is_number(host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session_.get()), host.c_str());
  } else {
    SSL_set1_host(session_.get(), host.c_str());
    SSL_set_tlsext_host_name(session_.get(), host.c_str());
  }
  NoSigpipe quiet;
  while (true) {
    errno = 0;
    const int done = SSL_connect(session_.get());
    if (done == 1) return {};
    quiet.raised();
    const int error = SSL_get_error(session_.get(), done);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return not_greeted(error);
    if (!ready(done, kGreetingMilliseconds).ok()) return not_tls();
  }
}

Status RedisTls::not_greeted(int error) const {
  const long wrong = SSL_get_verify_result(session_.get());
  if (wrong != X509_V_OK) {
    ERR_clear_error();
    return not_trusted(X509_verify_cert_error_string(wrong));
  }
  const int reason = ERR_GET_REASON(ERR_peek_last_error());
  const std::string words = library_words();
  if (error == SSL_ERROR_SSL && reason == SSL_R_WRONG_VERSION_NUMBER) return not_tls();
  return failed("TLS: " + words);
}

Result<bool> RedisTls::ready(int result, int milliseconds) {
  const int error = SSL_get_error(session_.get(), result);
  if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
    // A server that wants a certificate and got none says so only now.
    const bool wanted = ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED;
    const std::string words = library_words();
    if (wanted) return usage_error("the server asks for a certificate; give 'tls-cert' and 'tls-key'");
    return failed("the connection to the server was lost: " + words);
  }
  if (milliseconds == 0) return false;
  pollfd wanted{fd_, static_cast<short>(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT), 0};
  int done = 0;
  do done = ::poll(&wanted, 1, milliseconds);
  while (done < 0 && errno == EINTR);
  if (done > 0) return true;
  return failed("the server does not answer");
}

Status RedisTls::write(std::string_view bytes) {
  NoSigpipe quiet;
  while (!bytes.empty()) {
    errno = 0;
    const int done =
        SSL_write(session_.get(), bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), 1U << 30)));
    if (done > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(done));
    } else {
      quiet.raised();
      STREAM_TRY(ready(done, kAnswerMilliseconds).status());
    }
  }
  return {};
}

Result<std::string_view> RedisTls::read(bool wait) {
  NoSigpipe quiet;  // a read may answer what the server says of its keys
  while (true) {
    errno = 0;
    const int got = SSL_read(session_.get(), bytes_.data(), static_cast<int>(bytes_.size()));
    if (got > 0) return std::string_view(bytes_.data(), static_cast<std::size_t>(got));
    quiet.raised();
    STREAM_ASSIGN(const bool again, ready(got, wait ? kAnswerMilliseconds : 0));
    if (!again) return std::string_view();
  }
}

}  // namespace stream
