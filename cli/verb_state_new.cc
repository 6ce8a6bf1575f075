// The verb that makes a savepoint of nothing: state new.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>

#include "cli/command.h"
#include "cli/commanded.h"
#include "cli/pipeline_argument.h"
#include "cli/savepoint_target.h"
#include "cli/state_columns.h"
#include "cli/verb.h"
#include "cli/verb_values.h"
#include "snapshot/archive/scratch_folder.h"
#include "snapshot/workbench/state_bootstrap.h"
#include "supervisor/job_paths.h"
#include "transport/base/files.h"
#include "transport/base/text.h"

namespace stream {
namespace {

struct GivenTable {
  std::size_t table = 0;
  std::string from;
  std::uint64_t rows = 0;
};

// What the stages of a plan keep, but for what waits for a commit, which nobody can give.
std::vector<ViewedTable> tables_of(const JobPlan& plan) {
  std::vector<ViewedTable> tables;
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    for (const TableSpec& spec : plan.stages[i].answer.state) {
      if (spec.distribution != Distribution::kOutbox)
        tables.push_back({plan.pipeline.stages[i].name, spec, "", false, false});
    }
  }
  name_tables(tables);
  return tables;
}

Result<JobPlan> plan_one(PipelineArgument& pipeline) {
  STREAM_ASSIGN(std::vector<JobPlan> plans, pipeline.plan());
  if (plans.size() == 1) return std::move(plans[0]);
  std::vector<std::string> names;
  for (const JobPlan& plan : plans) names.push_back(plan.pipeline.name);
  return usage_error("the manifest holds the pipelines " + join(names, ", ") + "; choose one with --name");
}

Result<std::vector<GivenTable>> given_tables(const VerbValues& values, const std::vector<ViewedTable>& tables,
                                             const std::string& job) {
  std::vector<GivenTable> given;
  for (const std::string& text : values.list("table")) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) return usage_error("'--table " + text + "' is not TABLE=FILE");
    STREAM_ASSIGN(const std::size_t table, find_table(tables, text.substr(0, equals), job));
    if (std::ranges::find(given, table, &GivenTable::table) != given.end())
      return usage_error("state table '" + tables[table].name + "' is given twice");
    given.push_back({table, text.substr(equals + 1)});
  }
  if (!given.empty()) return given;
  std::vector<std::string> names;
  for (const ViewedTable& table : tables) names.push_back(table.name);
  return usage_error(names.empty() ? "pipeline '" + job + "' keeps no state"
                                   : "say what goes into which state table, with '--table TABLE=FILE'; there is " +
                                         join(names, ", ") + ", and --columns shows their columns");
}

// A stage that is given nothing is not in it, so that it begins as it does in a fresh run.
CheckpointIndex index_for(const JobPlan& plan, const std::vector<ViewedTable>& tables,
                          const std::vector<GivenTable>& given) {
  std::random_device random;
  RunId run{};
  for (std::uint8_t& byte : run) byte = static_cast<std::uint8_t>(random());
  CheckpointIndex index;
  index.epoch = Epoch(1);
  index.savepoint = true;
  index.job = plan.pipeline.name;
  index.run = to_string(run);
  index.attempt = Attempt(1);
  index.key_groups = plan.pipeline.key_groups;
  index.manifest = pipeline_to_json(plan.pipeline);
  index.plan = plan_to_json(plan);
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const std::string& stage = plan.pipeline.stages[i].name;
    const auto is_of = [&](const GivenTable& one) { return tables[one.table].stage == stage; };
    if (std::ranges::none_of(given, is_of)) continue;
    index.stages.push_back({stage, plan.stages[i].parallelism});
    for (std::uint32_t k = 0; k < plan.stages[i].parallelism; ++k) index.instances.push_back({stage, k, {}, "{}"});
  }
  return index;
}

// The other tables of a stage that is given something are there, empty.
void warn_of_empty(const std::vector<ViewedTable>& tables, const std::vector<GivenTable>& given) {
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const auto same_stage = [&](const GivenTable& one) { return tables[one.table].stage == tables[i].stage; };
    if (std::ranges::find(given, i, &GivenTable::table) != given.end() || std::ranges::none_of(given, same_stage))
      continue;
    std::fprintf(stderr, "stream state new: nothing is given for '%s' of stage '%s': it is empty\n",
                 tables[i].name.c_str(), tables[i].stage.c_str());
  }
}

std::vector<ViewedTable> of_stages(const std::vector<ViewedTable>& tables, const CheckpointIndex& index) {
  std::vector<ViewedTable> kept;
  for (const ViewedTable& table : tables) {
    if (std::ranges::find(index.stages, table.stage, &IndexStage::name) != index.stages.end()) kept.push_back(table);
  }
  return kept;
}

// Rows that came with the command are put into a file for as long as they are read.
Result<std::string> file_of(const std::string& from, std::optional<ScratchFolder>& scratch) {
  const std::string* sent = commanded() == nullptr ? nullptr : commanded()->file(from);
  if (sent == nullptr) return from;
  STREAM_ASSIGN(ScratchFolder made, ScratchFolder::make(unpacked_root()));
  scratch.emplace(std::move(made));
  std::string path = scratch->path() + "/" + std::filesystem::path(from).filename().string();
  STREAM_TRY(system_files().write_file(path, *sent));
  return path;
}

Status make(const VerbValues& values, const JobPlan& plan, const std::string& target, std::vector<ViewedTable>& tables,
            std::vector<GivenTable>& given) {
  STREAM_TRY(check_target(values.text("to"), values.text("label")));
  STREAM_ASSIGN(given, given_tables(values, tables, plan.pipeline.name));
  const CheckpointIndex index = index_for(plan, tables, given);
  STREAM_TRY(system_files().make_dir(std::filesystem::path(target).parent_path()));
  STREAM_ASSIGN(const auto draft, StateDraft::make(index, of_stages(tables, index), draft_of(target)));
  for (GivenTable& one : given) {
    const ViewedTable& table = tables[one.table];
    std::optional<ScratchFolder> scratch;
    STREAM_ASSIGN(const std::string from, file_of(one.from, scratch));
    STREAM_ASSIGN(const auto rows, open_given_rows(from, table.name));
    STREAM_ASSIGN(one.rows, bootstrap(*draft, *draft->find(table.stage, table.spec.name), *rows));
  }
  return draft->seal(system_files(), relabelled(index, values.text("label")), target, values.flag("single-file"))
      .status();
}

void tell(const VerbValues& values, const std::string& target, const std::vector<ViewedTable>& tables,
          const std::vector<GivenTable>& given) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::object();
  for (const GivenTable& one : given) {
    std::fprintf(stderr, "stream state new: %s: %llu rows\n", tables[one.table].name.c_str(),
                 static_cast<unsigned long long>(one.rows));
    rows[tables[one.table].name] = one.rows;
  }
  if (values.flag("json"))
    std::printf("%s\n", nlohmann::ordered_json{{"path", target}, {"rows", rows}}.dump().c_str());
  else
    std::printf("%s\n", target.c_str());
}

// What there is to give.
int show_columns(const std::vector<ViewedTable>& tables, bool as_json) {
  for (const ViewedTable& table : tables) {
    if (!as_json) {
      std::printf("%s: stage %s, %s\n", table.name.c_str(), table.stage.c_str(),
                  std::string(to_string(table.spec.distribution)).c_str());
      if (!table.spec.definition.empty()) std::printf("  holds  %s\n", table.spec.definition.c_str());
      for (const std::string& line : column_lines(table.spec)) std::printf("  %s\n", line.c_str());
      continue;
    }
    const nlohmann::ordered_json line = {{"stage", table.stage},
                                         {"table", table.name},
                                         {"distribution", to_string(table.spec.distribution)},
                                         {"columns", columns_json(table.spec)}};
    std::printf("%s\n", line.dump().c_str());
  }
  return kDone;
}

int run(const VerbValues& values) {
  PipelineArgument pipeline(values);
  const auto plan = plan_one(pipeline);
  if (!plan.ok()) return pipeline.fail("state new", plan.status());
  std::vector<ViewedTable> tables = tables_of(*plan);
  if (values.flag("columns")) return show_columns(tables, values.flag("json"));
  if (!values.has("to")) return fail("state new", usage_error("--to is missing: where the savepoint goes"));
  const std::string target = absolute_target(values.text("to"));
  std::vector<GivenTable> given;
  const Status made = make(values, *plan, target, tables, given);
  if (!made.ok()) return fail("state new", made);
  warn_of_empty(tables, given);
  tell(values, target, tables, given);
  return kDone;
}

constexpr auto kOptions = with_pipeline({
    VerbOption{
        .name = "table",
        .arg = "TABLE=FILE[ QUERY]",
        .doc = "Rows of a state table: a CSV file with a header, NDJSON, or an SQLite database and a query of it.",
        .repeated = true},
    VerbOption{.name = "to",
               .arg = "PATH",
               .doc = "The savepoint to make: a folder, or a file with --single-file.",
               .kind = ValueKind::kPath},
    kSavepointLabel,
    kSavepointSingleFile,
    VerbOption{.name = "columns",
               .doc = "Make nothing; show the state tables of the pipeline and their columns.",
               .kind = ValueKind::kFlag,
               .excludes = "to"},
    json_option("Print JSON: path, and rows by table; with --columns a line a table."),
});

constexpr VerbExample kExamples[] = {
    {"stream state new counts.yaml --columns", "Shows what can be given."},
    {"stream state new counts.yaml --table totals=totals.csv --to begin && stream run -d counts.yaml --from begin",
     "Begins with totals that something else has counted."},
    {"stream state new counts.yaml --to begin --table \"totals=old.db select host, count(*) as n from visits group by "
     "host\"",
     "Counts them in a database first."},
};

}  // namespace

const VerbTable kStateNewVerb = {
    .description =
        "Makes a savepoint for a pipeline that has not run, of rows that you give: 'stream run --from' then begins as "
        "if the job had seen what they stand for. What state tables there are, and what their columns mean, is known "
        "from the plan of the pipeline; --columns shows it.\n\n"
        "Every column of a table must be given, by its name, and nothing else; rows are checked against the types of "
        "the columns, and a key is there once. Only a key column 'arrival', which numbers rows as they have come, may "
        "be left out. In CSV an empty field is NULL and \"\" is an empty text; a TIMESTAMP may be less exact than in "
        "savepoints ('2024-01-31 12:00', an offset), a DECIMAL may have fewer digits, a BLOB is in hexadecimal digits. "
        "What 'stream state export' prints can be given back. Of a database, opened for reading only, a query gives "
        "the "
        "rows, or the table that is called like the state table.\n\n"
        "Stages that are given nothing begin as they do in a fresh run: sources where their options say. To go on "
        "where something else has stopped, let them begin there, or give them their table of positions too.",
    .options = kOptions,
    .examples = kExamples,
    .no = "The path exists, or the rows are not what the tables hold.",
    .run = run,
};

}  // namespace stream
