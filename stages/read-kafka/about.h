// What read-kafka can tell about a message, in the order in which its rows get it.
#pragma once

#include "stages/kit/message_source.h"

namespace stream {

inline constexpr AboutMessage kAboutKafka[] = {{"topic", kVarchar},       {"partition", kBigint}, {"offset", kBigint},
                                               {"timestamp", kTimestamp}, {"key", kVarchar},      {"headers", kJson}};

}  // namespace stream
