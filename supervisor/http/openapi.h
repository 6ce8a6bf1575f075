// The OpenAPI document, from the tables of routes and shapes.
#pragma once

#include "supervisor/http/call.h"

namespace stream::http {

Json openapi_document(std::span<const Route> table);

}  // namespace stream::http
