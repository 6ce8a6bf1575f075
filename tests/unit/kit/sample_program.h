// A stage for tests that has every kind of option.
#pragma once

#include <array>

#include "stages/kit/stage.h"

namespace stream::testing {

inline constexpr std::array kSampleOptions = {
    Option{.name = "where",
           .arg = "EXPR",
           .doc = "Keeps rows for which this holds. 'a\\b' is text.",
           .kind = OptionKind::kExpression,
           .positional = true,
           .required = true},
    Option{.name = "by", .arg = "COLUMNS", .doc = ".Starts with a dot.", .kind = OptionKind::kColumns},
    Option{.name = "compute", .arg = "LIST", .doc = "What to compute.", .kind = OptionKind::kSelect},
    Option{.name = "window", .arg = "WINDOW", .doc = "Window.", .kind = OptionKind::kWindow},
    Option{.name = "lateness", .arg = "DURATION", .doc = "How late.", .kind = OptionKind::kDuration, .fallback = "0s"},
    Option{.name = "limit", .arg = "N", .doc = "How many.", .kind = OptionKind::kInteger},
    Option{.name = "ratio", .arg = "X", .doc = "How much.", .kind = OptionKind::kNumber},
    Option{.name = "buffer", .arg = "SIZE", .doc = "How big.", .kind = OptionKind::kSize, .fallback = "64KiB"},
    Option{.name = "if-exists",
           .arg = "WHAT",
           .doc = "What then.",
           .kind = OptionKind::kChoice,
           .fallback = "fail",
           .choices = "append|replace|fail"},
    Option{.name = "path", .arg = "PATH", .doc = "Files.", .kind = OptionKind::kPath, .repeated = true},
    Option{.name = "token", .arg = "SECRET", .doc = "Secret.", .kind = OptionKind::kSecret},
    Option{.name = "follow", .doc = "Go on at the end.", .kind = OptionKind::kFlag},
    Option{.name = "topics", .arg = "NAMES", .doc = "Topics.", .repeated = true},
    Option{.name = "format", .arg = "FORMAT", .doc = "A format of its own.", .kind = OptionKind::kText},
};

inline constexpr std::array<std::string_view, 1> kSampleOutputs = {"late"};
inline constexpr std::array kSampleExamples = {
    Example{"stream-sample 'a = \"b\\n\"' | head", "Shows rows."},
    Example{"stream-sample --by host 'x > 1'", "Groups them."},
};

inline PlanAnswer plan_sample(const PlanRequest& request) {
  PlanAnswer answer;
  if (request.inputs.empty()) {
    answer.errors.push_back({"where", 3, "no column 'statsu'", "did you mean 'status'?"});
    return answer;
  }
  const Schema& in = request.inputs[0].schema;
  OutputPlan out{.name = "out", .schema = in, .lineage = {}};
  for (const Field& field : in.fields) out.lineage.push_back({{0, field.name}});
  answer.outputs.push_back(out);
  answer.inputs.push_back({{in.fields[0].name}, Partition::kHash, {in.fields[0].name}});
  answer.state.push_back({"totals", Distribution::kKeyed, {in.fields[0]}, {{"n", kBigint}}});
  answer.exactly_once = false;
  answer.visible = "at once";
  answer.parallelism_max = request.parallelism + 1;
  answer.parallelism_why = "two and one";
  answer.pushed_filter = request.options.text("where");
  answer.warnings.push_back("in " + request.folder);
  return answer;
}

inline const StageProgram kSample = {.name = "sample",
                                     .summary = "keep what matters",
                                     .description = "First paragraph. It has two sentences.\n\n'Second' paragraph.",
                                     .kind = StageKind::kOperator,
                                     .options = kSampleOptions,
                                     .outputs = kSampleOutputs,
                                     .inputs_max = 1,
                                     .examples = kSampleExamples,
                                     .plan = plan_sample};

}  // namespace stream::testing
