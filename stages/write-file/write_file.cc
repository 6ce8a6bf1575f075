#include "stages/write-file/write_file.h"

#include "stages/write-file/one_file.h"
#include "stages/write-file/parts.h"

namespace stream {

Result<std::unique_ptr<Sink>> make_write_file(Context& context) { return make_write_file(context, system_files()); }

Result<std::unique_ptr<Sink>> make_write_file(Context& context, Files& files) {
  std::vector<PlanError> errors;
  FileSettings settings = file_settings(context.options, context.folder, *context.inputs[0], errors);
  if (!errors.empty()) return usage_error("option '" + errors[0].option + "': " + errors[0].message);
  std::unique_ptr<Sink> sink;
  if (settings.parts)
    sink = std::make_unique<Parts>(context, std::move(settings), files);
  else
    sink = std::make_unique<OneFile>(context, std::move(settings), files);
  // Nobody restores a sink that is run by hand.
  if (!context.supervised) STREAM_TRY(sink->on_restored(Epoch(0)));
  return sink;
}

}  // namespace stream
