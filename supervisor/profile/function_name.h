// Names of functions as a flame graph shows them.
#pragma once

#include <string>
#include <string_view>

namespace stream::profile {

// "_ZN6stream7RunLoop3runEv" gives "stream::RunLoop::run": without what it takes and returns, and without long
// template arguments. A name that is none of C++ stays as it is.
std::string readable_name(std::string_view symbol);

// The same of a name that is demangled already.
std::string short_name(std::string_view demangled);

}  // namespace stream::profile
