#include "storage/place.h"

#include <array>

#include "transport/base/secret.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::string_view kScheme = "s3://";
constexpr std::uint64_t kPartMin = 5 << 20;    // what S3 takes
constexpr std::uint64_t kPartMax = 512 << 20;  // is held in memory
constexpr Microseconds kPatienceMax = 3'600'000'000;
constexpr std::array<std::string_view, 8> kOptions = {"endpoint", "region",     "style",      "profile",
                                                      "patience", "access-key", "secret-key", "part-size"};

Status wrong(const std::string& url, const std::string& why) {
  return usage_error("'" + url.substr(0, url.find('?')) + "' is no storage: " + why +
                     "; write s3://bucket/prefix?endpoint=http://host:port");
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Status take_reference(const std::string& url, const std::string& name, const std::string& value, std::string& to) {
  if (!check_secret_reference(value).ok())
    return wrong(url,
                 "'" + name + "' says where the key is, as in " + name + "=env:NAME or file:PATH, and not the key");
  to = value;
  return {};
}

Status take_option(const std::string& url, const std::string& name, const std::string& value, StoragePlace& place) {
  if (name == "endpoint") {
    if (!value.starts_with("http://") && !value.starts_with("https://"))
      return wrong(url, "an endpoint begins with http:// or https://");
    place.endpoint = value;
    while (place.endpoint.ends_with('/')) place.endpoint.pop_back();
    return {};
  }
  if (name == "region") return place.region = value, Status();
  if (name == "profile") return place.profile = value, Status();
  if (name == "access-key") return take_reference(url, name, value, place.access_key);
  if (name == "secret-key") return take_reference(url, name, value, place.secret_key);
  if (name == "style") {
    if (value != "path" && value != "host") return wrong(url, "style is path (HOST/BUCKET) or host (BUCKET.HOST)");
    place.bucket_in_path = value == "path";
    return {};
  }
  if (name == "patience") {
    const auto patience = parse_duration(value);
    if (!patience.ok() || *patience < 0 || *patience > kPatienceMax)
      return wrong(url, "patience is from 0 to 1h, as in patience=20s");
    place.patience = *patience;
    return {};
  }
  if (name == "part-size") {
    const auto size = parse_size(value);
    if (!size.ok() || *size < kPartMin || *size > kPartMax) return wrong(url, "a part-size is from 5MiB to 512MiB");
    place.part_bytes = *size;
    return {};
  }
  std::vector<std::string> known(kOptions.begin(), kOptions.end());
  return wrong(url, "there is no option '" + name + "'" + did_you_mean(name, known));
}

Status take_options(const std::string& url, const std::string& query, StoragePlace& place) {
  if (query.empty()) return {};
  for (const std::string& option : split(query, '&')) {
    const std::size_t equals = option.find('=');
    if (equals == std::string::npos) return wrong(url, "'" + option + "' has no value");
    const auto value = url_decoded(std::string_view(option).substr(equals + 1));
    if (!value.ok()) return wrong(url, value.status().what());
    STREAM_TRY(take_option(url, option.substr(0, equals), *value, place));
  }
  if (place.access_key.empty() != place.secret_key.empty()) return wrong(url, "access-key and secret-key go together");
  return {};
}

}  // namespace

std::string StoragePlace::key(std::string_view name) const {
  if (prefix.empty()) return std::string(name);
  return name.empty() ? prefix : prefix + "/" + std::string(name);
}

std::string StoragePlace::below(std::string_view name) const { return "s3://" + bucket + "/" + key(name) + options; }

bool is_object_url(std::string_view text) { return text.starts_with(kScheme); }

Result<std::string> plain_path(const std::string& text) {
  constexpr std::string_view kFile = "file://";
  if (!text.starts_with(kFile)) return text;
  if (text.size() <= kFile.size() || text[kFile.size()] != '/')
    return usage_error("'" + text + "' names a host: a folder is written file:///folder");
  return url_decoded(std::string_view(text).substr(kFile.size()));
}

std::string located(const std::string& folder, const std::string& path) {
  if (is_object_url(path)) return path;
  const auto plain = plain_path(path);
  if (!plain.ok() || plain->starts_with('/') || folder.empty()) return plain.ok() ? *plain : path;
  return folder + "/" + *plain;
}

Result<StoragePlace> parse_storage(const std::string& url) {
  if (!is_object_url(url)) return wrong(url, "it does not begin with s3://");
  StoragePlace place;
  std::string rest = url.substr(kScheme.size());
  if (const std::size_t query = rest.find('?'); query != std::string::npos) {
    place.options = rest.substr(query);
    STREAM_TRY(take_options(url, rest.substr(query + 1), place));
    rest.resize(query);
  }
  const std::size_t slash = rest.find('/');
  place.bucket = rest.substr(0, slash);
  if (slash != std::string::npos) place.prefix = rest.substr(slash + 1);
  while (place.prefix.ends_with('/')) place.prefix.pop_back();
  if (place.bucket.empty()) return wrong(url, "no bucket is named");
  if (place.bucket.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") != std::string::npos)
    return wrong(url, "a bucket's name has lower case letters, digits, '.' and '-'");
  if (place.prefix.starts_with('/') || place.prefix.find("//") != std::string::npos)
    return wrong(url, "there is a '/' too many");
  for (const std::string& part : split(place.prefix, '/')) {
    if (part == "." || part == "..") return wrong(url, "'" + part + "' has no meaning in a key");
  }
  return place;
}

std::string url_encoded(std::string_view text, bool keep_slashes) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_plain(c) || (keep_slashes && c == '/')) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

Result<std::string> url_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return usage_error("'%' stands before two hexadecimal digits");
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

}  // namespace stream
