// SQL expressions as functions of rows, for those who may not know more of them: snapshots, which are converted.
#pragma once

#include "transport/record/row_function.h"

namespace stream {

const RowLanguage& sql_language();

}  // namespace stream
