#include "supervisor/http/settings.h"

#include <nlohmann/json.hpp>

namespace stream::http {

using nlohmann::json;

std::string to_json(const ServiceSettings& settings) {
  return json{{"host", settings.server.host},
              {"port", settings.server.port},
              {"certificate", settings.server.certificate},
              {"key", settings.server.key},
              {"tokens", settings.tokens},
              {"insecure", settings.insecure},
              {"program", settings.program},
              {"roots", settings.permissions.roots},
              {"exec", settings.permissions.exec},
              {"job", settings.job},
              {"ha", settings.ha},
              {"advertise", settings.advertise}}
      .dump();
}

Result<ServiceSettings> settings_from_json(const std::string& text) {
  const json in = json::parse(text, nullptr, false);
  if (!in.is_object()) return usage_error("this program is started by 'stream serve'");
  ServiceSettings settings;
  settings.server = {in.value("host", ""), in.value("port", 0), in.value("certificate", ""), in.value("key", "")};
  settings.tokens = in.value("tokens", "");
  settings.insecure = in.value("insecure", false);
  settings.program = in.value("program", "");
  settings.permissions = {in.value("roots", std::vector<std::string>()), in.value("exec", false)};
  settings.job = in.value("job", "");
  settings.ha = in.value("ha", "");
  settings.advertise = in.value("advertise", "");
  return settings;
}

}  // namespace stream::http
