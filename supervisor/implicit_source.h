// The source of a pipeline that does not name one: `read-file -`, with what the first stage says of its input.
#pragma once

#include <span>
#include <vector>

#include "supervisor/pipeline_text.h"
#include "supervisor/stage_info.h"

namespace stream {

struct SharedWords {
  std::vector<Word> source;
  std::vector<Word> stage;
};

// Shares the words of the first stage between it and the source it lacks: `filter --schema 'a bigint' 'a > 0'`
// means the same whether filter reads text itself or has read-file do it. The source gets time, out-of-order, idle
// and schema, and those of its own options that the stage does not have; both get on-error. Pure.
SharedWords share_words(const StageInfo& source, const StageInfo& stage, std::span<const Word> words);

}  // namespace stream
