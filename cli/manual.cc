// The manual pages of section 1 about `stream` and its verbs.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/verb_text.h"
#include "supervisor/job_store.h"
#include "transport/base/mdoc.h"
#include "transport/base/text.h"

namespace stream {
namespace {

using mdoc::argument;
using mdoc::escaped;
using mdoc::sentences;

// A tagged list entry: what is named, and what is said of it.
struct Entry {
  std::string_view name;
  std::string_view doc;
};

constexpr std::array kEnvironment = {
    Entry{"STREAM_HOME", "Folder of the jobs. Default: $XDG_STATE_HOME/stream, else ~/.local/state/stream."},
    Entry{"STREAM_STAGE_PATH",
          "Folders, separated by colons, in which stage programs are looked for when they are not beside the stream "
          "program. PATH is never searched."},
    Entry{"STREAM_METRICS",
          "Where jobs whose pipelines do not say it send their metrics, as the key 'metrics' of a manifest: "
          "prometheus, or "
          "{graphite: {address: ...}}. See stream-metrics(7)."},
    Entry{"STREAM_SERVER", "URL of the server that does what verbs are asked for, as --server."},
    Entry{"STREAM_TOKEN_FILE", "File of the token for it, as --token-file."},
    Entry{"STREAM_CA_FILE", "Certificates of who has signed its own, as --ca-file."},
    Entry{"STREAM_LOG_TO",
          "Where jobs whose pipelines do not say it log to beside their files, as the key 'log-to' of a manifest: "
          "journald, or {syslog: {facility: local0}}. See stream-manifest(5)."},
    Entry{"XDG_STATE_HOME", "See STREAM_HOME."},
    Entry{"XDG_CONFIG_HOME",
          "Units of the user's own are in $XDG_CONFIG_HOME/systemd/user, else ~/.config/systemd/user; see "
          "stream-systemd(7)."},
    Entry{"HADOOP_USER_NAME", "Who 'stream deploy --on yarn' says that it is. Default: the user's name."},
    Entry{"NOTIFY_SOCKET", "Of 'stream run' in the foreground: who is told how it goes, as sd_notify(3) says."},
    Entry{"XDG_CACHE_HOME", "Answers of stage programs are kept in $XDG_CACHE_HOME/stream, else ~/.cache/stream."},
    Entry{"NO_COLOR", "If it is set, nothing is coloured."},
    Entry{"TERM", "The kind of the terminal, for 'stream top'."},
    Entry{"TMPDIR", "Where 'stream test' makes its folders; else in memory, where that can be."},
    Entry{"HOME", "See STREAM_HOME and XDG_CACHE_HOME."},
    Entry{"TZ", "Zone of the times that are shown to people."},
};

static_assert(kHistoryKept == 10'000, "the manual says so");
constexpr std::array kFiles = {
    Entry{"$STREAM_HOME/JOB/job.sqlite",
          "Runs, attempts, savepoints, and the newest 10,000 checkpoints and events. The supervisor of the job alone "
          "opens it."},
    Entry{"$STREAM_HOME/JOB/checkpoints/", "Snapshot files and their indexes, see stream-snapshot(5)."},
    Entry{"$STREAM_HOME/JOB/savepoints/", "Savepoints that were not given another place."},
    Entry{"$STREAM_HOME/.unpacked/", "Archives of savepoints, while somebody reads them."},
    Entry{"$STREAM_HOME/.fetched/",
          "Savepoints and checkpoints that were read from object storage. What no job has just begun with may go."},
    Entry{"$STREAM_HOME/JOB/logs/", "What the job and its stages have logged, JSON lines, rotated at 16 MiB."},
    Entry{"$STREAM_HOME/JOB/dead-letter/", "Records that could not be processed, JSON lines."},
    Entry{"$XDG_CACHE_HOME/stream/",
          "What stage programs have said about themselves and about pipelines. It can be removed at any time."},
    Entry{"/tmp/stream-UID/", "Sockets of running jobs, for their owner only."},
};

constexpr std::array kExamples = {
    VerbExample{"stream run \"read-file access.ndjson | aggregate --by host 'count(*) as n' | print\"",
                "Runs a pipeline of three stages; unnamed, it leaves nothing behind."},
    VerbExample{"stream run -d manifests/heartbeat.yaml", "Runs the job of a manifest in the background."},
    VerbExample{"stream ps", "Lists the jobs that run."},
    VerbExample{"stream stats --watch heartbeat", "Shows every second what each process does."},
    VerbExample{"stream stop heartbeat", "Ends it with a savepoint, whose path is printed."},
    VerbExample{"stream resume heartbeat", "Goes on where it stopped, as if nothing had happened."},
};

constexpr std::string_view kDescription =
    "Runs and looks after pipelines: a handful of small programs, the stages, each doing one thing, joined by ZeroMQ "
    "pipes. One process a job, its supervisor, starts the stages, sends checkpoint barriers through them and starts "
    "them again after a crash, so that results are as if nothing had happened.\n\n"
    "Stages are programs of their own, such as stream-filter(1); verbs and stages never share a name. A pipeline is "
    "written in one argument, with a bar between stages, or in a manifest, see stream-manifest(5).\n\n"
    "A JOB is named by its name or by the beginning of its id, at least 4 digits that no other id begins with. It may "
    "be left out where one job runs, or where there is only one. A REF names a savepoint: a path, JOB@N with the "
    "number of its checkpoint, JOB@LABEL, or JOB@latest.\n\n"
    "With --server, or where STREAM_SERVER is set, the server at that address does what a verb is asked for, see "
    "stream-serve(1), and what it prints, how wide and with what exit code, is as if it had been asked where the jobs "
    "are. Manifests, and what they include, are those of this machine; every other path, of a savepoint or in a "
    "manifest, is one of the server, in a folder that it was allowed. Standard input is sent where it is a manifest, "
    "given as '-'. A command ends with who has asked for it: Ctrl-C here ends it there. 'serve', 'completion' and "
    "'help' are about this machine whatever server there is.\n\n"
    "Answers go to standard output, everything else to standard error.";

std::string entries(std::string_view macro, std::span<const Entry> list) {
  std::string out = ".Bl -tag -width Ds\n";
  for (const Entry& entry : list) {
    out += ".It " + std::string(macro) + " " + argument(entry.name) + "\n" + sentences(entry.doc);
  }
  return out + ".El\n";
}

std::string option_entry(const VerbOption& option) {
  std::string out = ".It";
  if (option.letter != '\0') out += " Fl " + std::string(1, option.letter) + " ,";
  if (!option.positional) out += " Fl Fl " + argument(option.name);
  if (!option.arg.empty()) out += " Ar " + argument(option.arg);
  out += "\n" + sentences(option.doc);
  if (!option.choices.empty()) out += escaped("One of " + join(split(option.choices, '|'), ", ") + ".") + "\n";
  if (option.repeated) out += "May be given several times.\n";
  if (!option.fallback.empty()) out += escaped("Default: " + std::string(option.fallback) + ".") + "\n";
  if (!option.excludes.empty()) out += "Not together with\n.Fl Fl " + argument(option.excludes) + " .\n";
  return out;
}

std::string option_list(const Verb& verb) {
  std::string out = ".Sh OPTIONS\n.Bl -tag -width Ds\n";
  for (const bool positional : {true, false}) {
    for (const std::span<const VerbOption> options : {verb.table->options, common_verb_options()}) {
      for (const VerbOption& option : options) {
        if (option.positional == positional) out += option_entry(option);
      }
    }
  }
  return out + ".El\n";
}

std::string synopsis(const Verb& verb) {
  std::string out = ".Sh SYNOPSIS\n.Nm stream " + std::string(verb.name) + "\n.Op Ar \"OPTION ...\"\n";
  for (const VerbOption& option : verb.table->options) {
    if (option.positional) out += (option.required ? ".Ar " : ".Op Ar ") + argument(option.arg) + "\n";
  }
  return out;
}

std::string exit_status(const VerbTable* table) {
  std::string out = ".Sh EXIT STATUS\n.Bl -tag -width Ds\n";
  for (const VerbExit& exit : kVerbExits) {
    if (exit.code == kNo && table != nullptr && table->no.empty()) continue;
    const bool own = exit.code == kNo && table != nullptr;
    out += ".It " + std::to_string(exit.code) + "\n" + sentences(own ? table->no : exit.meaning);
  }
  return out + ".El\n";
}

std::string examples(std::span<const VerbExample> list) {
  std::string out = ".Sh EXAMPLES\n";
  for (const VerbExample& example : list) {
    if (!out.ends_with("EXAMPLES\n")) out += ".Pp\n";
    out += mdoc::example(example.explanation, example.command);
  }
  return out;
}

// References in the order of their names; the last line has no comma.
std::string see_also(std::vector<std::pair<int, std::string>> pages) {
  std::ranges::sort(pages);
  std::string out = ".Sh SEE ALSO\n";
  for (std::size_t i = 0; i < pages.size(); ++i) {
    out += ".Xr " + pages[i].second + " " + std::to_string(pages[i].first) + (i + 1 < pages.size() ? " ,\n" : "\n");
  }
  return out;
}

std::string verb_list() {
  std::string out = ".Ss Verbs\n.Bl -tag -width Ds\n";
  for (const Verb& verb : verbs()) {
    out += ".It Ic " + argument(verb_usage(verb)) + "\n" + sentences(verb.summary) + ".Pq Xr " + page_of(verb) + " 1\n";
  }
  return out + ".El\n";
}

// Those that print data, and so take --json.
std::string json_list() {
  std::vector<std::string> names;
  for (const Verb& verb : verbs()) {
    if (find_option(verb, "json") != nullptr) names.emplace_back(verb.name);
  }
  std::string out =
      ".Ss Answers for programs\nEvery verb that prints data takes\n.Fl Fl json ,\nand then prints one "
      "JSON object, or, where it prints a list, one object a line.\nMembers may be added to them; none is "
      "renamed or removed.\nThese are\n";
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i + 1 == names.size()) out += "and\n";
    out += ".Ic " + argument(names[i]) + (i + 1 == names.size() ? " .\n" : i + 2 == names.size() ? "\n" : " ,\n");
  }
  return out;
}

}  // namespace

std::string verb_manual(const Verb& verb) {
  return mdoc::head(page_of(verb), verb.summary) + synopsis(verb) + ".Sh DESCRIPTION\n" +
         mdoc::paragraphs(verb.table->description) + option_list(verb) + exit_status(verb.table) +
         examples(verb.table->examples) + see_also({{1, "stream"}, {5, "stream-manifest"}, {7, "stream-checkpoint"}});
}

std::string stream_manual() {
  std::vector<std::pair<int, std::string>> pages = {
      {5, "stream-manifest"}, {5, "stream-snapshot"},   {7, "stream-expression"}, {7, "stream-frame"},
      {7, "stream-plan"},     {7, "stream-checkpoint"}, {7, "stream-tutorial"}};
  for (const Verb& verb : verbs()) pages.emplace_back(1, page_of(verb));
  return mdoc::head("stream", "stateful stream processing with pipelines of small programs") +
         ".Sh SYNOPSIS\n.Nm\n.Ar VERB\n.Op Ar \"ARGUMENT ...\"\n.Nm\n.Fl Fl help | Fl Fl man | Fl Fl version\n"
         ".Sh DESCRIPTION\n" +
         mdoc::paragraphs(kDescription) + verb_list() + json_list() + ".Sh ENVIRONMENT\n" +
         entries("Ev", kEnvironment) + ".Sh FILES\n" + entries("Pa", kFiles) + exit_status(nullptr) +
         examples(kExamples) + see_also(std::move(pages));
}

}  // namespace stream
