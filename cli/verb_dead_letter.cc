#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "supervisor/job_client.h"
#include "transport/base/files.h"
#include "transport/base/json_fields.h"
#include "transport/base/text.h"

namespace stream {
namespace {

constexpr std::size_t kPieceBytes = 1 << 20;         // a file may be larger than memory
constexpr std::size_t kRecordBytesKept = 64 * 1024;  // longer ones were cut: their end is not known

class LetterPrinter {
 public:
  LetterPrinter(std::string stage, bool count_only, bool replay)
      : stage_(std::move(stage)), count_only_(count_only), replay_(replay) {}

  // Takes the whole lines of `bytes`; a part of a line waits for the rest.
  void feed(std::string_view bytes) {
    partial_ += bytes;
    std::size_t begin = 0;
    for (std::size_t end; (end = partial_.find('\n', begin)) != std::string::npos; begin = end + 1) {
      take(std::string_view(partial_).substr(begin, end - begin));
    }
    partial_.erase(0, begin);
  }

  std::size_t count() const { return count_; }
  std::size_t cut() const { return cut_; }

 private:
  void take(std::string_view line) {
    nlohmann::json letter;
    if (!stage_.empty() || replay_) letter = nlohmann::json::parse(line, nullptr, false);
    if (!stage_.empty() && (!letter.is_object() || text_at(letter, "stage") != stage_)) return;
    ++count_;
    if (count_only_) return;
    if (!replay_) return print(line);
    const std::string record = letter.is_object() ? text_at(letter, "record") : "";
    if (record.size() >= kRecordBytesKept) {
      ++cut_;
    } else {
      print(record);
    }
  }
  static void print(std::string_view line) {
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fputc('\n', stdout);
  }

  std::string stage_;
  bool count_only_;
  bool replay_;
  std::size_t count_ = 0;
  std::size_t cut_ = 0;
  std::string partial_;
};

Status print_letters(const JobPaths& job, LetterPrinter& printer) {
  const auto names = system_files().list(job.dead_letter());
  for (const std::string& file : names.ok() ? *names : std::vector<std::string>()) {
    if (!file.ends_with(".ndjson")) continue;
    for (std::uint64_t at = 0;;) {
      STREAM_ASSIGN(const std::string text, system_files().read_at(job.dead_letter() + "/" + file, at, kPieceBytes));
      if (text.empty()) break;
      at += text.size();
      printer.feed(text);
    }
  }
  return {};
}

int run_dead_letter(const VerbValues& values) {
  if (values.flag("replay") && (values.flag("count") || values.flag("json"))) {
    return fail("dead-letter", usage_error("--replay prints records as they are, not with --count or --json"));
  }
  const auto job = find_job(values.text("job"));
  if (!job.ok()) return fail("dead-letter", job.status());
  LetterPrinter printer(values.text("stage"), values.flag("count"), values.flag("replay"));
  if (const Status printed = print_letters(*job, printer); !printed.ok()) return fail("dead-letter", printed);
  if (values.flag("count")) std::printf(values.flag("json") ? "{\"count\":%zu}\n" : "%zu\n", printer.count());
  if (printer.cut() == 0) return kDone;
  std::fflush(stdout);
  return fail("dead-letter", failed(std::to_string(printer.cut()) +
                                    " records are longer than the 64 KiB that are kept of each, and were left out"));
}

constexpr VerbOption kOptions[] = {
    job_argument(ValueKind::kJob),
    {.name = "stage", .arg = "STAGE", .doc = "Only records of this stage.", .kind = ValueKind::kStageOfJob},
    {.name = "count", .doc = "Print how many there are instead.", .kind = ValueKind::kFlag},
    {.name = "replay",
     .doc = "Print the records alone, as their stage had them: input for another run.",
     .kind = ValueKind::kFlag},
    json_option("Print JSON, a line a record, as without it; with --count an object."),
};

constexpr VerbExample kExamples[] = {
    {"stream dead-letter web-errors | stream-aggregate --by reason 'count(*) as n'", "Counts them by reason."},
    {"stream dead-letter --replay --stage requests web-errors | stream run \"filter 'status >= 500' | write-file "
     "more.ndjson\"",
     "Gives what the source could not read to another pipeline, which reads it from standard input."},
};

}  // namespace

const VerbTable kDeadLetterVerb = {
    .description =
        "Prints the records that stages could not process and that 'on-error: dead-letter' has kept, JSON lines with "
        "stage, reason, position and record. A record is there once, whatever happened to the job meanwhile.\n\n"
        "What a source could not read is there as it came, with its position: file and line, or file:@byte where "
        "the line is not known. What a later stage could not process has no position, as rows travel without one; its "
        "record is the row as that stage had it, in JSON. Columns that nothing uses are not even read, so they are not "
        "in it either: not_read lists them. Event time and keys always are, and lead back to the source.\n\n"
        "With --replay the records go out as they are, one a line, to be processed again by a pipeline that can. They "
        "stay where they are. Of a CSV file they come without its header.",
    .options = kOptions,
    .examples = kExamples,
    .run = run_dead_letter,
};

}  // namespace stream
