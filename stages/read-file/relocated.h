// Files that were read where the stage does not look any more: the pipeline went on from a savepoint in another
// folder, to which its input was copied or moved.
#pragma once

#include <string>
#include <vector>

#include "stages/read-file/input_files.h"

namespace stream {

// Where the file `was`, read under an earlier path of the stage, may be now that its path is `path`: the files it
// means, one of the same name first; none if `was` lies where the stage looks. Whether one of them is it, its content
// must tell.
Result<std::vector<std::string>> relocated(InputFiles& files, const std::string& path, const std::string& was);

}  // namespace stream
