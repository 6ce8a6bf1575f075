// Paths that are pipes: a shell's <(command), a FIFO, /dev/stdin. They are read once, from front to back.
#pragma once

#include <string>

#include "stages/kit/option.h"

namespace stream {

// Whether the path is a pipe or a socket.
bool is_pipe(const std::string& path);

// If the option `path` is a pipe, opens it as standard input and makes the path "-"; its ending keeps its
// meaning. Waits for a writer, as every program does that opens a FIFO.
Status read_pipe_as_stdin(Values& options);

}  // namespace stream
