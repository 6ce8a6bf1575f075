#include "supervisor/http/openapi.h"

#include <algorithm>

#include "supervisor/http/shapes.h"
#include "transport/base/text.h"

namespace stream::http {
namespace {

// "/jobs/:jobid" -> "/jobs/{jobid}"
std::string path_of(std::string_view pattern, std::vector<std::string>& names) {
  std::string out;
  for (const std::string& part : split(pattern.substr(1), '/')) {
    const bool named = part.starts_with(':');
    if (named) names.push_back(part.substr(1));
    out += named ? "/{" + part.substr(1) + "}" : "/" + part;
  }
  return out;
}

Json parameter(std::string_view name, bool in_path) {
  const ParameterText& text = parameter_text(name);
  return {{"name", name},
          {"in", in_path ? "path" : "query"},
          {"required", in_path},
          {"description", text.doc},
          {"schema", schema_of_type(text.type)}};
}

Json content(std::string_view shape) {
  if (shape == kPlainText) return {{"text/plain", {{"schema", {{"type", "string"}}}}}};
  if (shape == kEventStreamShape) return {{"text/event-stream", {{"schema", {{"type", "string"}}}}}};
  if (shape == kArchiveShape) return {{"application/zstd", {{"schema", {{"type", "string"}, {"format", "binary"}}}}}};
  return {{"application/json", {{"schema", schema_of_type(shape)}}}};
}

std::string operation_id(const Route& route) {
  std::string id = lower(route.method);
  for (const std::string& part : split(route.path.substr(1), '/')) {
    std::string word = part.starts_with(':') ? part.substr(1) : part;
    std::erase_if(word, [](char c) { return c == '-' || c == '.'; });
    if (!word.empty()) word.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(word.front())));
    id += word;
  }
  return id;
}

Json operation(const Route& route, const std::vector<std::string>& in_path) {
  Json out = {{"operationId", operation_id(route)},
              {"summary", route.summary},
              {"x-role", to_string(route.role)},
              {"parameters", Json::array()}};
  for (const std::string& name : in_path) out["parameters"].push_back(parameter(name, true));
  for (const std::string& name : split(route.query, ' ')) {
    if (!name.empty()) out["parameters"].push_back(parameter(name, false));
  }
  if (route.body == kPlainText)
    out["requestBody"] = {{"content", {{"application/yaml", {{"schema", {{"type", "string"}}}}}}}};
  else if (!route.body.empty())
    out["requestBody"] = {{"content", content(route.body)}};
  const std::string_view shape = route.answer.empty() ? std::string_view("Nothing") : route.answer;
  out["responses"] = {{std::to_string(route.status), {{"description", "It went well."}, {"content", content(shape)}}},
                      {"default", {{"description", "Why not, in one line."}, {"content", content("Errors")}}}};
  return out;
}

}  // namespace

Json openapi_document(std::span<const Route> table) {
  Json document = {
      {"openapi", "3.0.1"},
      {"info", {{"title", "stream"}, {"version", STREAM_VERSION}}},
      {"paths", Json::object()},
      {"components",
       {{"schemas", Json::object()}, {"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}}}}};
  for (const Route& route : table) {
    std::vector<std::string> in_path;
    const std::string path = path_of(route.path, in_path);
    document["paths"][path][lower(route.method)] = operation(route, in_path);
  }
  for (const Shape& shape : shapes()) document["components"]["schemas"][std::string(shape.name)] = schema_of(shape);
  return document;
}

}  // namespace stream::http
