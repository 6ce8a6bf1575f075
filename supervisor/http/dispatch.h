// From a request to its answer, over the table of routes.
#pragma once

#include "supervisor/http/call.h"

namespace stream::http {

// The route of a request; else why there is none: 404 and the nearest paths, or 405 and what is allowed.
struct FoundRoute {
  const Route* route = nullptr;
  std::map<std::string, std::string, std::less<>> path = {};
  Answer refusal = {};
};
FoundRoute find_route(std::span<const Route> table, std::string_view method, const Target& target);

// Answers a request whose sender may do what the route asks for.
Answer dispatch(const Request& request, const Site& site, const Services& services);

// Id of a stage as a vertex, and of a host as a task manager: 32 hex digits that follow from its name.
std::string vertex_id(std::string_view stage);
std::string host_id(std::string_view host);

}  // namespace stream::http
