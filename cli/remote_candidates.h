// What there is on the server that a line names, for who completes it: asked by the verbs that list it, briefly.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace stream {

// Whether a server is asked: one is among the options of the line (--server=URL), or in the environment.
bool completes_remotely(const std::vector<std::string>& options);

// What a verb prints with --json there, a value a line; nothing where the server does not answer at once.
std::vector<nlohmann::json> remote_lines(std::vector<std::string> verb, const std::vector<std::string>& options);

}  // namespace stream
