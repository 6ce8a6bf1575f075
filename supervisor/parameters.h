// Parameters of a manifest: declared under `parameters:`, given as -p name=value, used as
// ${name}. ${env:NAME} is the environment, $$ a dollar; any other dollar stands for itself.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/document.h"
#include "supervisor/pipeline.h"

namespace stream {

using Environment = std::function<std::optional<std::string>(const std::string&)>;

// The process's own.
Environment process_environment();

// A parameter's map may have: type (a SQL type, duration, size or secret; default varchar),
// default, doc. What is given must be declared and have the type.
std::vector<ParameterValue> read_parameters(const Node* declared, const std::map<std::string, std::string>& given,
                                            const Place& command_line, Problems& problems);

// The same of an included file: given by who includes it, at `included`.
std::vector<ParameterValue> read_fragment_parameters(const Node* declared,
                                                     const std::map<std::string, std::string>& given,
                                                     const Place& included, Problems& problems);

// substitute() in all of a manifest or included file but the declarations of parameters.
void substitute_below(Node& root, const std::vector<ParameterValue>& parameters, const Environment& environment,
                      Problems& problems);

// Replaces in every scalar below `node`, keys excepted. Texts that were replaced may hold what is
// not seen in the manifest, so they are no longer `plain`.
void substitute(Node& node, const std::vector<ParameterValue>& parameters, const Environment& environment,
                Problems& problems);

}  // namespace stream
