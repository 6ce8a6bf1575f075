// The table of reporters.
#include <algorithm>
#include <array>

#include "supervisor/metrics/make_reporters.h"
#include "supervisor/metrics/reporter.h"
#include "transport/base/text.h"

namespace stream::metrics {
namespace {

constexpr ReporterOption kPrometheus[] = {
    {"address", OptionKind::kAddress, "127.0.0.1:9249",
     "Where it listens: HOST:PORT, or HOST:PORT-PORT for the first free port of these, as where several jobs run."},
};

constexpr ReporterOption kStatsD[] = {
    {"address", OptionKind::kAddress, "127.0.0.1:8125", "Where to send: HOST:PORT."},
};

constexpr ReporterOption kGraphite[] = {
    {"address", OptionKind::kAddress, "127.0.0.1:2003", "Where to send: HOST:PORT."},
    {.name = "protocol",
     .kind = OptionKind::kWord,
     .fallback = "tcp",
     .meaning = "How: tcp or udp.",
     .words = "tcp|udp"},
    {.name = "prefix", .meaning = "What every name begins with."},
};

constexpr ReporterOption kAuthority = {.name = "authority",
                                       .kind = OptionKind::kFile,
                                       .meaning = "File of certificates to trust, in place of the system's."};
constexpr ReporterOption kUser = {.name = "username", .meaning = "Who to be, with 'password'."};
constexpr ReporterOption kPassword = {.name = "password", .kind = OptionKind::kSecret, .meaning = "The password."};

constexpr ReporterOption kInfluxDb[] = {
    {"url", OptionKind::kUrl, "http://127.0.0.1:8086", "The server."},
    {.name = "db", .meaning = "The database to write to.", .required = true},
    kUser,
    kPassword,
    {.name = "token", .kind = OptionKind::kSecret, .meaning = "In place of a password, as InfluxDB 2 has it."},
    {.name = "retention-policy", .meaning = "How long it is kept; if absent, as the database says."},
    {.name = "consistency",
     .kind = OptionKind::kWord,
     .fallback = "one",
     .meaning = "How many servers must have it: any, one, quorum or all.",
     .words = "any|one|quorum|all"},
    kAuthority,
};

constexpr ReporterOption kPushGateway[] = {
    {"url", OptionKind::kUrl, "http://127.0.0.1:9091", "The gateway."},
    {.name = "job", .meaning = "Its label 'job'; if absent, 'stream-' and the name of the job."},
    {.name = "grouping-key", .kind = OptionKind::kMap, .meaning = "More labels that part one group from another."},
    {.name = "delete-at-end",
     .kind = OptionKind::kFlag,
     .fallback = "true",
     .meaning = "Whether the group is deleted when the job is over."},
    kUser,
    kPassword,
    kAuthority,
};

constexpr ReporterOption kOpenTelemetry[] = {
    {"url", OptionKind::kUrl, "http://127.0.0.1:4318",
     "The collector; /v1/metrics, /v1/traces and /v1/logs are put behind it."},
    {.name = "service-name", .fallback = "stream", .meaning = "Its attribute service.name."},
    {.name = "service-version", .meaning = "Its attribute service.version."},
    {.name = "traces",
     .kind = OptionKind::kFlag,
     .fallback = "true",
     .meaning = "Whether each checkpoint and each recovery from a failure is sent as a span."},
    {.name = "events",
     .kind = OptionKind::kFlag,
     .fallback = "true",
     .meaning = "Whether what 'stream events' shows is sent as records of a log."},
    {.name = "token", .kind = OptionKind::kSecret, .meaning = "A bearer token."},
    kAuthority,
};

constexpr ReporterOption kDatadog[] = {
    {"url", OptionKind::kUrl, "https://api.datadoghq.com", "The site, as https://api.datadoghq.eu."},
    {.name = "api-key", .kind = OptionKind::kSecret, .meaning = "The key.", .required = true},
    {.name = "tags", .kind = OptionKind::kList, .meaning = "More tags, as [env:prod]."},
    {.name = "series-per-request",
     .kind = OptionKind::kInteger,
     .fallback = "2000",
     .meaning = "How many a request has at most."},
    kAuthority,
};

constexpr ReporterOption kGanglia[] = {
    {"address", OptionKind::kAddress, "127.0.0.1:8649", "A gmond that listens over UDP: HOST:PORT."},
    {.name = "dmax",
     .kind = OptionKind::kInteger,
     .fallback = "0",
     .meaning = "Seconds after which gmond forgets what is sent no more; 0: never."},
    {.name = "tmax",
     .kind = OptionKind::kInteger,
     .fallback = "60",
     .meaning = "Seconds that may pass between two values."},
};

constexpr ReporterOption kJmx[] = {
    {"address", OptionKind::kAddress, "127.0.0.1:8778", "Where it listens: HOST:PORT, or HOST:PORT-PORT."},
};

constexpr ReporterKind kKinds[] = {
    {"prometheus", true,
     "Answers GET /metrics in Prometheus's text format, under the names that Flink's reporter gives.", kPrometheus,
     make_prometheus},
    {"statsd", false, "Sends to StatsD over UDP, every value as a gauge.", kStatsD, make_statsd},
    {"dogstatsd", false, "Sends to DogStatsD over UDP, with tags, under the names of Datadog's integration of Flink.",
     kStatsD, make_dogstatsd},
    {"graphite", false, "Sends to Graphite's carbon, a line a number.", kGraphite, make_graphite},
    {"influxdb", false, "Writes to InfluxDB, in its line protocol over HTTP.", kInfluxDb, make_influxdb},
    {"pushgateway", false, "Puts what Prometheus would fetch into a PushGateway.", kPushGateway, make_pushgateway},
    {"opentelemetry", false, "Sends to an OpenTelemetry collector, in JSON over HTTP: metrics, traces and events.",
     kOpenTelemetry, make_opentelemetry},
    {"datadog", false, "Sends to Datadog's HTTP API, under the names of its integration of Flink.", kDatadog,
     make_datadog},
    {"ganglia", false, "Sends to Ganglia's gmond over UDP.", kGanglia, make_ganglia},
    {"jmx", true, "Answers Jolokia's protocol at /jolokia: read, list, search, and several requests in one.", kJmx,
     make_jmx},
    {"log", false, "Writes to the log of the job, a line for each of what is measured.", {}, make_log},
};

const ReporterOption* find_option(const ReporterSpec& spec, std::string_view name) {
  const ReporterKind* kind = find_reporter_kind(spec.kind);
  if (kind == nullptr) return nullptr;
  const auto it = std::ranges::find(kind->options, name, &ReporterOption::name);
  return it == kind->options.end() ? nullptr : &*it;
}

}  // namespace

std::span<const ReporterKind> reporter_kinds() { return kKinds; }

const ReporterKind* find_reporter_kind(std::string_view name) {
  const auto it = std::ranges::find(kKinds, name, &ReporterKind::name);
  return it == std::end(kKinds) ? nullptr : &*it;
}

std::vector<std::string> ReporterSetup::list(std::string_view option) const {
  if (const auto it = spec.options.find(std::string(option)); it != spec.options.end()) return it->second;
  const ReporterOption* known = find_option(spec, option);
  if (known == nullptr || known->fallback.empty()) return {};
  return {std::string(known->fallback)};
}

std::string ReporterSetup::text(std::string_view option) const {
  if (const auto it = secrets.find(std::string(option)); it != secrets.end()) return it->second;
  const std::vector<std::string> values = list(option);
  return values.empty() ? "" : values.front();
}

std::map<std::string, std::string> ReporterSetup::map(std::string_view option) const {
  std::map<std::string, std::string> out;
  for (const std::string& pair : list(option)) {
    const std::size_t equals = pair.find('=');
    out[pair.substr(0, equals)] = equals == std::string::npos ? "" : pair.substr(equals + 1);
  }
  return out;
}

std::int64_t ReporterSetup::integer(std::string_view option) const {
  const auto value = parse_integer(text(option));
  return value.ok() ? *value : 0;
}

bool ReporterSetup::flag(std::string_view option) const { return text(option) == "true"; }

}  // namespace stream::metrics
