#include "stages/write-file/write_file.h"

#include <algorithm>

#include "stages/write-file/object_parts.h"
#include "stages/write-file/one_file.h"
#include "stages/write-file/parts.h"
#include "storage/open.h"

namespace stream {

namespace {

// A sink that waits longer does not say that it lives; it is started again when it gives up.
constexpr Microseconds kPatience = 5'000'000;

Result<std::unique_ptr<Sink>> make_object_parts(Context& context, FileSettings settings) {
  STREAM_ASSIGN(StoragePlace place, parse_storage(settings.storage));
  place.patience = std::min(place.patience, kPatience);
  STREAM_ASSIGN(auto store, open_storage(place, context.folder));
  return std::unique_ptr<Sink>(
      std::make_unique<ObjectParts>(context, std::move(settings), std::move(place), std::move(store)));
}

}  // namespace

Result<std::unique_ptr<Sink>> make_write_file(Context& context) { return make_write_file(context, system_files()); }

Result<std::unique_ptr<Sink>> make_write_file(Context& context, Files& files) {
  std::vector<PlanError> errors;
  FileSettings settings = file_settings(context.options, context.folder, *context.inputs[0], errors);
  if (!errors.empty()) return usage_error("option '" + errors[0].option + "': " + errors[0].message);
  std::unique_ptr<Sink> sink;
  if (!settings.storage.empty()) {
    STREAM_ASSIGN(sink, make_object_parts(context, std::move(settings)));
  } else if (settings.parts)
    sink = std::make_unique<Parts>(context, std::move(settings), files);
  else
    sink = std::make_unique<OneFile>(context, std::move(settings), files);
  // Nobody restores a sink that is run by hand.
  if (!context.supervised) STREAM_TRY(sink->on_restored(Epoch(0)));
  return sink;
}

}  // namespace stream
