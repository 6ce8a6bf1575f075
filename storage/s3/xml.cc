#include "storage/s3/xml.h"

#include <charconv>

#include "transport/base/text.h"

namespace stream {
namespace {

std::string utf8(std::uint32_t point) {
  std::string out;
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0 | (point >> 6));
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | (point >> 12));
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else if (point < 0x110000) {
    out += static_cast<char>(0xF0 | (point >> 18));
    out += static_cast<char>(0x80 | ((point >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  }
  return out;
}

std::string entity(std::string_view name) {
  if (name == "amp") return "&";
  if (name == "lt") return "<";
  if (name == "gt") return ">";
  if (name == "quot") return "\"";
  if (name == "apos") return "'";
  if (!name.starts_with('#')) return {};
  const bool hex = name.size() > 1 && (name[1] == 'x' || name[1] == 'X');
  const std::string_view digits = name.substr(hex ? 2 : 1);
  std::uint32_t point = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), point, hex ? 16 : 10);
  return utf8(point);
}

std::string unescaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t mark = text.find('&');
    out += text.substr(0, mark);
    if (mark == std::string_view::npos) break;
    const std::size_t end = text.find(';', mark);
    if (end == std::string_view::npos) return out;
    out += entity(text.substr(mark + 1, end - mark - 1));
    text.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace

std::vector<std::string_view> elements(std::string_view xml, std::string_view name) {
  const std::string open = "<" + std::string(name);
  const std::string close = "</" + std::string(name) + ">";
  std::vector<std::string_view> found;
  std::size_t at = 0;
  while ((at = xml.find(open, at)) != std::string_view::npos) {
    const std::size_t after = at + open.size();
    const std::size_t begin = xml.find('>', at);
    if (begin == std::string_view::npos) break;
    at = begin + 1;
    if (xml[after] != '>' && xml[after] != ' ') continue;  // a longer name, or empty: <NAME/>
    if (xml[begin - 1] == '/') continue;
    const std::size_t end = xml.find(close, at);
    if (end == std::string_view::npos) break;
    found.push_back(xml.substr(at, end - at));
    at = end + close.size();
  }
  return found;
}

std::string text_of(std::string_view xml, std::string_view name) {
  const auto found = elements(xml, name);
  return found.empty() ? "" : unescaped(found.front());
}

std::string xml_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

Result<ListPage> list_page(std::string_view xml) {
  if (elements(xml, "ListBucketResult").empty()) return failed("the answer is no list of objects");
  ListPage page;
  for (const std::string_view one : elements(xml, "Contents")) {
    const auto size = parse_integer(text_of(one, "Size"));
    if (!size.ok() || *size < 0) return failed("the answer is no list of objects: a size is missing");
    page.objects.push_back({text_of(one, "Key"), static_cast<std::uint64_t>(*size), text_of(one, "ETag")});
  }
  if (text_of(xml, "IsTruncated") == "true") page.next = text_of(xml, "NextContinuationToken");
  return page;
}

UploadPage upload_page(std::string_view xml) {
  UploadPage page;
  for (const std::string_view one : elements(xml, "Upload"))
    page.uploads.push_back({text_of(one, "Key"), text_of(one, "UploadId")});
  page.truncated = text_of(xml, "IsTruncated") == "true";
  page.next_key = text_of(xml, "NextKeyMarker");
  page.next_id = text_of(xml, "NextUploadIdMarker");
  return page;
}

std::string complete_document(const std::vector<UploadedPart>& parts) {
  std::string xml = "<CompleteMultipartUpload>";
  for (const UploadedPart& part : parts) {
    xml += "<Part><PartNumber>" + std::to_string(part.number) + "</PartNumber><ETag>" + xml_escaped(part.etag) +
           "</ETag></Part>";
  }
  return xml + "</CompleteMultipartUpload>";
}

}  // namespace stream
