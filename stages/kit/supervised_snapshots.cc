#include "stages/kit/supervised_instance.h"

#include <cstdio>

#include "transport/base/thread_priority.h"

namespace stream {

Status SupervisedInstance::on_barrier(RunLoop& loop, Epoch epoch, BarrierTimes times) {
  const Microseconds begin = system_clock().monotonic_us();
  if (loop.ended()) STREAM_TRY(send_stats(loop, begin));  // the last numbers, before the job can be over
  SnapshotDone done;
  done.epoch = epoch.value();
  done.start_wall_us = system_clock().wall_us();
  done.alignment_us = times.alignment_us;
  done.queued_bytes = times.queued_bytes;
  if (stage_.source) STREAM_TRY(stage_.source->before_snapshot());
  if (stage_.op) STREAM_TRY(stage_.op->before_snapshot());
  if (stage_.sink) STREAM_TRY(stage_.sink->prepare(epoch));
  if (const Status kept = dead_letter_->prepare(epoch); !kept.ok()) {
    return control_.send(to_json(note("snapshot-failed", epoch.value(), "dead letters: " + kept.what())));
  }
  progress_->save({loop.resumable_watermark(), loop.ended()});
  if (const auto highest = loop.highest_by_split()) progress_->save_splits(*highest);
  auto capture = std::make_shared<Capture>(store_.capture(epoch));
  done.rows = capture->rows();
  const SpoolPosition spool = spool_position();
  done.spool_input = spool.input;
  done.spool_offset = spool.offset;
  done.bytes = capture->size_bytes();
  done.pause_us = system_clock().monotonic_us() - begin;
  auto result = std::make_shared<SnapshotDone>(std::move(done));
  writer_thread_.submit(
      [this, capture, result] {
        const Microseconds from = system_clock().monotonic_us();
        auto files = writer_.write(std::move(*capture));
        if (!files.ok()) return std::move(files).status();
        result->files = to_json(*files);
        result->async_us = system_clock().monotonic_us() - from;
        return Status();
      },
      [this, result](const Status& written) { return report_snapshot(written, *result); });
  return {};
}

// A snapshot that could not be written aborts the checkpoint, not the instance.
Status SupervisedInstance::report_snapshot(const Status& written, const SnapshotDone& done) {
  if (!written.ok()) return control_.send(to_json(note("snapshot-failed", done.epoch, written.what())));
  STREAM_TRY(control_.send(to_json(done)));
  merge_files_if_many();
  return {};
}

// The writer knows how many there are, and begins.
void SupervisedInstance::merge_files_if_many() {
  if (std::exchange(merging_, true)) return;
  const auto merge = std::make_shared<std::optional<SnapshotWriter::Merge>>();
  writer_thread_.submit(
      [this, merge] {
        *merge = writer_.begin_merge();
        return Status();
      },
      [this, merge](const Status&) {
        merging_ = merge->has_value();
        if (merging_) merge_files(**merge);
        return Status();
      });
}

// Beside the writer, so that no checkpoint waits for it, and slowly, as there is no hurry.
void SupervisedInstance::merge_files(const SnapshotWriter::Merge& merge) {
  merge_thread_.submit(
      [this, merge] {
        (void)give_way(ThreadPriority::kLow);
        return writer_.merge(merge, [this](const std::function<Status()>& step) {
          return ending_ ? failed("the process ends") : step();
        });
      },
      [this, merge](const Status& merged) {
        merging_ = false;
        if (!merged.ok()) {
          std::fprintf(stderr, "stream-%s: warning: unable to merge snapshot files: %s\n",
                       std::string(program_.name).c_str(), merged.what().c_str());
          return Status();
        }
        writer_thread_.submit(
            [this, merge] {
              writer_.merged(merge);
              return Status();
            },
            [](const Status&) { return Status(); });
        return Status();
      });
}

Status SupervisedInstance::complete(RunLoop& loop, Epoch epoch) {
  store_.completed(epoch);
  if (stage_.source) STREAM_TRY(stage_.source->on_complete(epoch));
  const auto letters = dead_letter_->commits(epoch);
  if (letters.empty() && !loop.stage().sink) return control_.send(to_json(note("committed", epoch.value())));
  commit_thread_.submit(
      [this, epoch, letters] {
        STREAM_TRY(dead_letter_->write(letters));
        return stage_.sink ? stage_.sink->commit(epoch) : Status();
      },
      [this, epoch](Status committed) {
        STREAM_TRY(std::move(committed).while_doing("commit of checkpoint " + std::to_string(epoch.value())));
        dead_letter_->committed(epoch);
        if (stage_.sink) STREAM_TRY(stage_.sink->committed(epoch));
        return control_.send(to_json(note("committed", epoch.value())));
      });
  return {};
}

}  // namespace stream
