// Where what is printed is read: this process's terminal, or that of who has asked from elsewhere.
#pragma once

#include <cstddef>

namespace stream {

struct Terminal {
  std::size_t columns = 0;  // 0 = standard output is no terminal
  std::size_t rows = 0;
  std::size_t error_columns = 0;  // of standard error
  bool colour = false;            // standard output may be coloured
  bool live = false;              // pictures may be drawn there again and again; its keys are not here
};

Terminal terminal();
void use_terminal(const Terminal& terminal);  // from now on, whatever this process has

}  // namespace stream
