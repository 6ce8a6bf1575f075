// Files that the examples of several stages read.
#pragma once

#include "stages/kit/stage.h"

namespace stream {

inline constexpr ExampleFile kAccessLog = {
    "access.ndjson",
    R"({"ts":"2026-01-31T12:00:01Z","host":"b","visitor":"bob","path":"/buy","status":503,"ms":950}
{"ts":"2026-01-31T12:00:01Z","host":"a","visitor":"ann","path":"/","status":200,"ms":12}
{"ts":"2026-01-31T12:00:40Z","host":"a","visitor":"ann","path":"/buy","status":500,"ms":70}
{"ts":"2026-01-31T12:50:00Z","host":"a","visitor":"ann","path":"/","status":200,"ms":31}
)"};

inline constexpr ExampleFile kOrders = {
    "orders.ndjson",
    R"({"id":1,"at":"2026-01-30T09:00:00Z","country":"DE","customer":"ann","amount":250}
{"id":2,"at":"2026-01-30T17:30:00Z","country":"FR","customer":"bob","amount":1999}
{"id":3,"at":"2026-01-31T08:15:00Z","country":"DE","customer":"ann","amount":75}
)"};

}  // namespace stream
