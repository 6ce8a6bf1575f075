#include "stages/nats/connection.h"

#include <algorithm>
#include <vector>

#include "transport/base/secret.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::int64_t kConnectMilliseconds = 2'000;
constexpr std::int64_t kAnswerMilliseconds = 5'000;
constexpr std::int64_t kReconnectMilliseconds = 100;

bool has_tls(const std::string& server) { return server.starts_with("tls://"); }

bool wants_tls(const Values& options) { return std::ranges::any_of(options.list("servers"), has_tls); }

struct OptionsFree {
  void operator()(natsOptions* options) const { natsOptions_Destroy(options); }
};
using OptionsPtr = std::unique_ptr<natsOptions, OptionsFree>;

std::string absolute(const std::string& folder, const std::string& path) {
  return path.starts_with('/') || folder.empty() ? path : folder + "/" + path;
}

Status check(natsStatus status, std::string_view option) {
  if (status == NATS_OK) return {};
  return usage_error("option '" + std::string(option) + "': " + natsStatus_GetText(status));
}

Status set_servers(natsOptions* to, const Values& options) {
  std::vector<const char*> servers;
  for (const std::string& server : options.list("servers")) servers.push_back(server.c_str());
  return check(natsOptions_SetServers(to, servers.data(), static_cast<int>(servers.size())), "servers");
}

Status set_credentials(natsOptions* to, const Values& options, const std::string& folder) {
  if (options.has("user")) {
    std::string password;
    if (options.has("password")) {
      STREAM_ASSIGN(password, read_secret(system_files(), folder, options.text("password")));
    }
    STREAM_TRY(check(natsOptions_SetUserInfo(to, options.text("user").c_str(), password.c_str()), "user"));
  }
  if (options.has("token")) {
    STREAM_ASSIGN(const std::string token, read_secret(system_files(), folder, options.text("token")));
    STREAM_TRY(check(natsOptions_SetToken(to, token.c_str()), "token"));
  }
  if (options.has("credentials")) {
    const std::string path = absolute(folder, options.text("credentials"));
    if (const auto file = system_files().read_file(path); !file.ok()) {
      return usage_error("option 'credentials': " + file.status().what());  // the library says no more than Error
    }
    STREAM_TRY(check(natsOptions_SetUserCredentialsFromFiles(to, path.c_str(), nullptr), "credentials"));
  }
  if (!wants_tls(options)) return {};
  // An address alone does not bring it about: the library would go on in the clear where the server lets it.
  STREAM_TRY(check(natsOptions_SetSecure(to, true), "servers"));
  STREAM_ASSIGN(const TlsFiles files, tls_files(options, folder));
  if (!files.authority.empty()) {
    STREAM_TRY(check(natsOptions_LoadCATrustedCertificates(to, files.authority.c_str()), "tls-ca"));
  }
  if (!files.certificate.empty()) {
    const natsStatus loaded = natsOptions_LoadCertificatesChain(to, files.certificate.c_str(), files.key.c_str());
    STREAM_TRY(check(loaded, "tls-cert"));
  }
  return {};
}

// Errors of a lost connection would be printed by the library; they are found where it is used.
void ignore_error(natsConnection*, natsSubscription*, natsStatus, void*) {}

Result<OptionsPtr> client_options(const Values& options, const std::string& folder) {
  natsOptions* made = nullptr;
  if (natsOptions_Create(&made) != NATS_OK) return failed("unable to make options: out of memory");
  OptionsPtr out(made);
  STREAM_TRY(set_servers(made, options));
  STREAM_TRY(set_credentials(made, options, folder));
  natsOptions_SetTimeout(made, kConnectMilliseconds);
  natsOptions_SetName(made, "stream");
  natsOptions_SetMaxReconnect(made, -1);
  natsOptions_SetReconnectWait(made, kReconnectMilliseconds);
  natsOptions_SetReconnectJitter(made, kReconnectMilliseconds, kReconnectMilliseconds);
  natsOptions_SetErrorHandler(made, ignore_error, nullptr);
  return out;
}

}  // namespace

std::vector<PlanError> check_nats_servers(const Values& options) {
  std::vector<PlanError> errors;
  for (const std::string& server : options.list("servers")) {
    if (server.find('@') == std::string::npos) continue;
    errors.push_back({"servers", 0, "a secret is never written out", "give 'user' and 'password', or 'token'"});
  }
  const std::vector<std::string>& servers = options.list("servers");
  const bool tls = wants_tls(options);
  if (tls && !std::ranges::all_of(servers, has_tls)) {
    errors.push_back({"servers", 0, "some servers are with TLS and some without", "write tls:// for all"});
  }
  for (PlanError& error : check_tls_options(options, tls, "write tls:// in 'servers'"))
    errors.push_back(std::move(error));
  return errors;
}

Status nats_error(const std::string& doing, natsStatus status, jsErrCode code) {
  std::string what = "unable to " + doing + ": ";
  const char* detail = nats_GetLastError(nullptr);
  what += code != 0 && detail != nullptr ? detail : natsStatus_GetText(status);
  return failed(what);
}

bool nats_refused(natsStatus status, jsErrCode code) {
  // JetStream is starting, or its leader is being chosen.
  constexpr int kNotAvailable[] = {10008, 10009, 10039, 10076, 10118};
  if (status == NATS_NOT_PERMITTED || status == NATS_CONNECTION_AUTH_FAILED) return true;
  for (const int each : kNotAvailable) {
    if (static_cast<int>(code) == each) return false;
  }
  return code != 0;
}

// What a user can do about it, where something can be done.
Status not_connected(const std::string& doing, natsStatus status) {
  const char* last = nats_GetLastError(nullptr);
  const std::string words = last == nullptr ? "" : last;
  Status error = nats_error(doing, status);
  switch (status) {
    case NATS_CONNECTION_AUTH_FAILED:
      return usage_error(error.what() + "; check 'user', 'password', 'token' or 'credentials'");
    case NATS_SECURE_CONNECTION_REQUIRED: return usage_error(error.what() + ": the server asks for TLS; write tls://");
    case NATS_SECURE_CONNECTION_WANTED:
      return usage_error(error.what() + ": the server does not ask all for TLS; write nats://, or have it do so");
    case NATS_SSL_ERROR: break;
    default: return error;
  }
  // "…handshake error: 20:unable to get local issuer certificate:depth=0:…" is about a certificate, others are not.
  const std::size_t number = words.find_first_of("0123456789", words.find("handshake error: "));
  const std::size_t begin = number == std::string::npos ? number : words.find(':', number);
  if (begin == std::string::npos) return failed(error.what() + ": " + words);
  return not_trusted(words.substr(begin + 1, words.find(':', begin + 1) - begin - 1)).while_doing("unable to " + doing);
}

Result<std::unique_ptr<NatsConnection>> NatsConnection::open(const Values& options, const std::string& folder) {
  STREAM_ASSIGN(const OptionsPtr client, client_options(options, folder));
  std::unique_ptr<NatsConnection> out(new NatsConnection());
  natsStatus status = natsConnection_Connect(&out->connection_, client.get());
  if (status == NATS_OK) {
    jsOptions js;
    jsOptions_Init(&js);
    js.Wait = kAnswerMilliseconds;
    status = natsConnection_JetStream(&out->js_, out->connection_, &js);
  }
  if (status == NATS_OK) return out;
  return not_connected("connect to '" + join(options.list("servers"), ",") + "'", status);
}

NatsConnection::~NatsConnection() {
  jsCtx_Destroy(js_);
  natsConnection_Destroy(connection_);
}

bool NatsConnection::connected() const { return natsConnection_Status(connection_) == NATS_CONN_STATUS_CONNECTED; }

std::uint64_t NatsConnection::reconnects() const {
  natsStatistics* statistics = nullptr;
  std::uint64_t reconnects = 0;
  if (natsStatistics_Create(&statistics) != NATS_OK) return 0;
  if (natsConnection_GetStats(connection_, statistics) == NATS_OK) {
    natsStatistics_GetCounts(statistics, nullptr, nullptr, nullptr, nullptr, &reconnects);
  }
  natsStatistics_Destroy(statistics);
  return reconnects;
}

Result<NatsStreamInfo> NatsConnection::stream(const std::string& name) const {
  jsStreamInfo* info = nullptr;
  auto code = static_cast<jsErrCode>(0);
  const natsStatus status = js_GetStreamInfo(&info, js_, name.c_str(), nullptr, &code);
  if (status != NATS_OK) {
    Status error = nats_error("look at stream '" + name + "'", status, code);
    const bool absent = status == NATS_NOT_FOUND || code == JSStreamNotFoundErr;
    return absent ? Status(Code::kNotFound, "there is no stream '" + name + "'") : error;
  }
  NatsStreamInfo out;
  out.name = name;
  out.first = info->State.FirstSeq;
  out.last = info->State.LastSeq;
  out.created = info->Created;
  out.duplicates = info->Config->Duplicates / 1000;
  out.limited_by_subject = info->Config->MaxMsgsPerSubject > 0;
  out.keeps_what_is_read = info->Config->Retention == js_LimitsPolicy;
  jsStreamInfo_Destroy(info);
  return out;
}

Result<std::string> NatsConnection::stream_of(const std::string& subject) const {
  jsOptions options;
  jsOptions_Init(&options);
  options.Stream.Info.SubjectsFilter = subject.c_str();
  jsStreamNamesList* names = nullptr;
  auto code = static_cast<jsErrCode>(0);
  const natsStatus status = js_StreamNames(&names, js_, &options, &code);
  if (status != NATS_OK && status != NATS_NOT_FOUND) {
    return nats_error("find the stream of subject '" + subject + "'", status, code);
  }
  std::string name;
  if (names != nullptr && names->Count > 0) name = names->List[0];
  jsStreamNamesList_Destroy(names);
  if (!name.empty()) return name;
  return Status(Code::kNotFound, "no stream keeps the messages of subject '" + subject + "'");
}

}  // namespace stream
