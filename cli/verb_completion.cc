// The completion scripts. All they know of verbs they ask `stream --candidates`, so that a shell offers
// what this very program takes, and the jobs and savepoints there are at this moment.
#include <cstdio>
#include <string_view>

#include "cli/command.h"
#include "cli/verb.h"
#include "cli/verb_values.h"

namespace stream {
namespace {

// Bash cuts words at = : and @ and replaces only the last piece, which it gives as $2: the words are put
// together again, and what stands in front of that piece is taken off the candidates. Files are offered
// where nothing else fits: as file names all candidates would be quoted, and JOB@LABEL is none.
constexpr std::string_view kBash = R"(# bash completion of stream
_stream() {
  local -a words=()
  local piece glued= candidate about kept at
  for ((at = 1; at <= COMP_CWORD; at++)); do
    piece=${COMP_WORDS[at]}
    if [[ ${#words[@]} -gt 0 && ( -n $glued || $piece == [=:@]* ) ]]; then
      words[${#words[@]} - 1]+=$piece
    else
      words+=("$piece")
    fi
    [[ $piece == *[=:@] ]] && glued=1 || glued=
  done
  piece=$2
  kept=${words[${#words[@]} - 1]%"$piece"}
  COMPREPLY=()
  while IFS=$'\t' read -r candidate about; do
    case $candidate in
      :path)
        [[ ${#COMPREPLY[@]} -gt 0 ]] && continue
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$piece") ;;
      :manifest)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$piece"
          compgen -f -X '!*.yaml' -- "$piece"; compgen -f -X '!*.yml' -- "$piece"; compgen -f -X '!*.json' -- "$piece") ;;
      *) COMPREPLY+=("${candidate#"$kept"}") ;;
    esac
  done < <("${COMP_WORDS[0]}" --candidates "${words[@]}" 2>/dev/null)
}
complete -F _stream stream

# A stage brings its own script, fetched when it is first completed; 124 says: try again.
_stream_stage() {
  local script
  script=$("$1" --completion bash 2>/dev/null) && [[ -n $script ]] && eval "$script" && return 124
}
_stream_stages() {
  local stage
  while IFS=$'\t' read -r stage _; do
    complete -p "stream-$stage" >/dev/null 2>&1 || complete -F _stream_stage "stream-$stage"
  done < <(stream --candidates stages '' 2>/dev/null)
}
_stream_stages
)";

// The pattern is for stages without a script of their own in $fpath: theirs is a body for this very function.
constexpr std::string_view kZsh = R"(#compdef stream -P stream-*
_stream() {
  local line script
  if [[ ${words[1]:t} == stream-* ]]; then
    script=$("${(Q)words[1]}" --completion zsh 2>/dev/null) && eval $script
    return
  fi
  local -a described
  for line in "${(@f)$("${(Q)words[1]}" --candidates "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      '') ;;
      :path) compset -P '*='; _files ;;
      :manifest) _files -g '*.(yaml|yml|json)' ;;
      *$'\t'*) described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
      *) described+=("${line//:/\\:}") ;;
    esac
  done
  (( $#described )) && _describe -t stream stream described
}
_stream "$@"
)";

constexpr std::string_view kFish = R"(# fish completion of stream
function __stream_candidates
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l head (string match -r -- '^--[^=]*=' $word)
    for line in ($words[1] --candidates $words[2..-1] $word 2>/dev/null)
        switch $line
            case :path
                for path in (__fish_complete_path (string replace -- "$head" '' $word))
                    echo "$head$path"
                end
            case :manifest
                __fish_complete_path $word | string match -r '.*(?:/|\.yaml|\.yml|\.json)(?:\t.*)?$'
            case '*'
                echo $line
        end
    end
end
complete -c stream -f -a '(__stream_candidates)'
for stage in (stream --candidates stages '' 2>/dev/null | string replace -r '\t.*' '')
    command -q stream-$stage; and stream-$stage --completion fish | source
end
)";

int run(const VerbValues& values) {
  const std::string& shell = values.text("shell");
  const std::string_view script = shell == "bash" ? kBash : shell == "zsh" ? kZsh : kFish;
  std::fwrite(script.data(), 1, script.size(), stdout);
  return kDone;
}

constexpr VerbOption kOptions[] = {
    {.name = "shell",
     .arg = "SHELL",
     .doc = "The shell to print it for.",
     .kind = ValueKind::kChoice,
     .choices = "bash|zsh|fish",
     .positional = true,
     .required = true},
};

constexpr VerbExample kExamples[] = {
    {"source <(stream completion bash)", "Completes stream and its stages in this shell."},
    {"stream completion fish > ~/.config/fish/completions/stream.fish", "Completes them in every fish."},
};

}  // namespace

const VerbTable kCompletionVerb = {
    .description =
        "Prints a script that lets a shell complete the words of stream: verbs, their options and choices, jobs, "
        "savepoints, stages, manifests, and the options of the programs of the stages. Installed, the scripts are "
        "where the shells look for them. Each stage has a script of its own: stream-filter --completion bash.\n\n"
        "The scripts know nothing themselves. They ask 'stream --candidates WORD...' for what may stand in place of "
        "the last WORD; it prints a line for each, with a tab and an explanation behind, and :path or :manifest where "
        "files may stand.",
    .options = kOptions,
    .examples = kExamples,
    .run = run,
};

}  // namespace stream
