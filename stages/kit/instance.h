// What an instance is made of, from its assignment: values, schemas, state, stage object.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "snapshot/state_store.h"
#include "stages/kit/bad_records.h"
#include "stages/kit/output.h"
#include "stages/kit/run_loop.h"
#include "stages/kit/stage.h"
#include "transport/control_messages.h"

namespace stream {

// Output numbers of a program: "out", its named outputs, then "errors".
std::vector<std::string> output_names(const StageProgram& program, const Values& values);
inline std::size_t errors_output(const StageProgram& program, const Values& values) {
  return output_names(program, values).size() - 1;
}

OnError on_error_policy(const Values& values, bool supervised);

// Makes the stage object of the program's kind.
Result<StageObject> make_stage(const StageProgram& program, Context& context);

Result<SchemaPtr> shared_schema(const std::string& json);

// Binds every input channel in the assignment's socket folder; `endpoints` gets id -> endpoint.
Result<std::vector<Receiver>> bind_inputs(Transport& transport, const Assignment& assignment,
                                          std::map<std::string, std::string>* endpoints);
std::vector<std::size_t> input_of_channels(const Assignment& assignment);

// Connects every output channel and sends its `open`.
// `names`: of the outputs, see output_names().
Result<Outputs> connect_outputs(Transport& transport, const std::vector<std::string>& names,
                                const Assignment& assignment, const std::map<std::string, std::string>& endpoints);

// What the loop reads after a `rewire`: channels it has, and those of `assignment` that it lacks, which are bound.
Result<std::vector<RunLoop::InputPlace>> rebind_inputs(Transport& transport, const Assignment& assignment,
                                                       std::vector<Receiver>& inputs,
                                                       std::map<std::string, std::string>* endpoints);
// Closes the channels of every edge that has others in `assignment`. Errors: kCorrupt for one that is not held.
Status detach_outputs(const std::vector<std::string>& names, const Assignment& assignment, Outputs& outputs);
// Connects them again.
Status attach_outputs(Transport& transport, const std::vector<std::string>& names, const Assignment& assignment,
                      const std::map<std::string, std::string>& endpoints, Outputs& outputs);

}  // namespace stream
