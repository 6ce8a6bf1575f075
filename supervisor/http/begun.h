// What handlers of changes share: a request begins something, and another asks what became of it.
#pragma once

#include <initializer_list>
#include <optional>

#include "supervisor/http/call.h"

namespace stream::http {

// Begins it under the `triggerId` of the body, if there is one, and answers its id.
Answer begun(Call& call, const std::string& what, Operations::Work work, int status = 202);
// Of what the path's {triggerid} is, if it is of one of these kinds.
Answer outcome_of(Call& call, std::initializer_list<std::string> kinds);
// Nothing, or that only a job that runs can be asked for `what`.
std::optional<Answer> check_running(const Call& call, const char* what);
AskedBy asked_by(const Call& call);

}  // namespace stream::http
