#include "supervisor/kubernetes/controller/model.h"

#include "snapshot/digest.h"
#include "supervisor/kubernetes/api/fields.h"
#include "transport/base/text.h"

namespace stream::kubernetes {
namespace {

using nlohmann::json;

constexpr std::int64_t kRollbackAfterMs = 300'000;
constexpr std::size_t kManifestMost = 200'000;  // the status holds it twice more, and etcd takes little more than 1 MB

// "5m" in milliseconds; none where it is no duration.
std::optional<std::int64_t> duration_ms(const std::string& text) {
  const auto parsed = parse_duration(text);
  if (!parsed.ok() || *parsed <= 0) return std::nullopt;
  return *parsed / 1000;
}

}  // namespace

bool is_suspended(const json& spec) { return text_at(spec, "/state") == "suspended"; }

std::string upgrade_of(const json& spec) {
  const std::string said = text_at(spec, "/upgrade");
  return said.empty() ? "savepoint" : said;
}

std::int64_t rollback_after_ms(const json& spec) {
  const std::string after = text_at(spec, "/rollback/after");
  if (after.empty()) return kRollbackAfterMs;
  return duration_ms(after).value_or(0);
}

// All but how it is brought about: of these, another one changes nothing that runs.
std::string digest_of(const json& spec) {
  if (!spec.is_object()) return "";
  json substance = spec;
  for (const char* key :
       {"state", "upgrade", "rollback", "savepointNonce", "initialSavepoint", "keepVolume", "manifestFrom"})
    substance.erase(key);
  Sha256 hash;
  hash.add(substance.dump(-1, ' ', false, json::error_handler_t::replace));
  return hash.finish().sha256;
}

std::string check_spec(const json& spec) {
  if (text_at(spec, "/manifest").empty()) return "spec.manifest: there is none";
  if (text_at(spec, "/manifest").size() > kManifestMost) return "spec.manifest: it has more than 200 KB";
  const std::string after = text_at(spec, "/rollback/after");
  if (!after.empty() && after != "off" && !duration_ms(after))
    return "spec.rollback.after: '" + after + "' is not a duration, such as 5m, or off";
  return "";
}

}  // namespace stream::kubernetes
