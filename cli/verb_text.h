// What is said about the verbs, all from their tables: help, manual pages of section 1, JSON.
#pragma once

#include <string>

#include "cli/verb.h"

namespace stream {

// At most 80 columns.
std::string verb_help(const Verb& verb);
std::string verbs_help();                        // the list of verbs
std::string group_help(std::string_view group);  // "state": its verbs

// mdoc(7) pages: stream-VERB(1), and stream(1).
std::string verb_manual(const Verb& verb);
std::string stream_manual();

// One line of JSON.
std::string verb_json(const Verb& verb);

// "stream run [OPTION]... MANIFEST|PIPELINE"
std::string verb_usage(const Verb& verb);

}  // namespace stream
