// Syslog messages, RFC 5424 and the older form of RFC 3164, as JSON records.
#pragma once

#include <string>
#include <string_view>

#include "transport/base/clock.h"
#include "transport/record/schema.h"

namespace stream::listen {

// facility, severity (numbers), ts, host, app, pid, message_id, data (structured data as JSON), message.
const Schema& syslog_schema();

// One record. What is not there is null; what is no syslog message at all is only a `message`. Of the older form,
// whose times have neither year nor zone, `received` gives both: the latest such time (in UTC) that is not more
// than a day after it.
std::string syslog_record(std::string_view message, Microseconds received);

}  // namespace stream::listen
