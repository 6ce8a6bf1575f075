#!/usr/bin/env bash
# Debian packages of what is built: build.sh BUILD FOLDER
#
# One package has the engine and all stages that need nothing else. A stage that pulls a library of its own is in the
# package of that library, whatever stages there are: nothing is listed twice.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
mkdir -p "$2"
target=$(cd "$2" && pwd)

engine=stream-pipelines
declare -A connector_of=(  # library -> package
  [libcpp-httplib]=http [libdw]=profile [libhiredis]=redis [libluajit-5.1]=lua [libnats]=nats [libpaho-mqtt3cs]=mqtt [libpq]=postgresql [librdkafka]=kafka
  [libzookeeper_mt]=zookeeper [libcurl]=s3
)
declare -A about=(
  [http]="stages listen and write-http, stream serve, metrics by HTTP, stream run --ha kubernetes://…, hosts in Pods of Kubernetes, stream controller"
  [profile]="stream profile, which samples the stacks of a stage"
  [redis]="stages read-redis and write-redis"
  [lua]="stage lua"
  [nats]="stages read-nats and write-nats, for JetStream"
  [mqtt]="stage read-mqtt"
  [postgresql]="stages read-postgres, write-postgres and lookup"
  [zookeeper]="stream run --ha zookeeper://…"
  [s3]="checkpoints and files in S3-compatible object storage"
  [kafka]="stages read-kafka and write-kafka"
  [dev]="headers and CMake files for stages of one's own in C++"
)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { printf '%s\n' "$@"; }

# Which connector a program belongs to; nothing: none.
connector() {
  local library
  for library in $(objdump -p "$1" | sed -n 's/^ *NEEDED *\(lib.*\)\.so.*/\1/p'); do
    [ -z "${connector_of[$library]:-}" ] || { say "${connector_of[$library]}"; return; }
  done
}

# Moves a file of the installed tree to the same place in a package.
move() {
  local package=$1 file
  shift
  for file in "$@"; do
    [ -e "$work/all/$file" ] || continue
    mkdir -p "$work/$package/$(dirname "$file")"
    mv "$work/all/$file" "$work/$package/$file"
  done
}

# A stage with its page and its completions.
move_stage() {
  local stage=$2
  move "$1" "usr/bin/$stage" "usr/share/man/man1/$stage.1.gz" "usr/share/bash-completion/completions/$stage" \
    "usr/share/zsh/site-functions/_$stage" "usr/share/fish/vendor_completions.d/$stage.fish"
}

# The installed tree, split.
split() {
  local program found
  cmake --install "$build" --prefix "$work/all/usr" --strip > /dev/null
  find "$work/all/usr/share/man" -type f -exec gzip -9n {} +
  # Others have a program called stream: which of them it is, is up to whoever installs both.
  mv "$work/all/usr/bin/stream" "$work/all/usr/bin/stream.pipelines"
  mv "$work/all/usr/share/man/man1/stream.1.gz" "$work/all/usr/share/man/man1/stream.pipelines.1.gz"
  touch "$work/programs"
  for program in "$work"/all/usr/bin/* "$work"/all/usr/lib/stream/*; do
    [ -L "$program" ] && continue
    found=$(connector "$program")
    [ -n "$found" ] || continue
    say "$(basename "$program") $engine-$found" >> "$work/programs"
    case $program in
      */bin/*) move_stage "$engine-$found" "$(basename "$program")" ;;
      *) move "$engine-$found" "usr/lib/stream/$(basename "$program")" ;;
    esac
  done
  move "$engine-dev" usr/include usr/lib/cmake
  mv "$work/all" "$work/$engine"
  mv "$work/programs" "$work/$engine/usr/share/stream/packages"  # for advice where one is missing
}

# What the programs of a package need of other packages.
needs() {
  local binaries
  mapfile -t binaries < <(find "$work/$1/usr/bin" "$work/$1/usr/lib/stream" -type f 2> /dev/null)
  [ ${#binaries[@]} -gt 0 ] || return 0
  mkdir -p "$work/control/debian"
  say "Source: $engine" "" "Package: $engine" "Architecture: any" > "$work/control/debian/control"
  (cd "$work/control" && dpkg-shlibdeps -O --ignore-missing-info -l"$work/$engine/usr/lib/stream" "${binaries[@]/#/-e}" 2> "$work/shlibdeps.log") |
    sed -n 's/^shlibs:Depends=//p'
}

description() {
  if [ "$1" = "$engine" ]; then
    say "composable stream processes for the command line" \
      " Small programs joined by ZeroMQ into pipelines that keep state, are restarted when" \
      " they crash, and give exactly-once results; their checkpoints are SQLite files."
  else
    say "stream pipelines: ${about[${1#"$engine-"}]}"
  fi
}

control() {
  local package=$1 needed
  needed=$(needs "$package")
  [ "$package" = "$engine" ] || needed="$engine (= $version)${needed:+, $needed}"
  say "Package: $package" "Version: $version" "Architecture: $(dpkg --print-architecture)" "Maintainer: $maintainer" "Section: utils" "Priority: optional" \
    "Installed-Size: $(du -sk "$work/$package" | cut -f1)" "Depends: $needed"
  [ "$package" != "$engine" ] || say "Suggests: $engine-http, $engine-kafka, $engine-postgresql"
  printf 'Description: %s\n' "$(description "$package")"
}

pack() {
  local package=$1 made
  mkdir -p "$work/$package/DEBIAN" "$work/$package/usr/share/doc/$package"
  gzip -9nc "$here/../CHANGELOG.md" > "$work/$package/usr/share/doc/$package/changelog.gz"
  control "$package" > "$work/$package/DEBIAN/control"
  if [ "$package" = "$engine" ]; then install -m 755 "$here/postinst" "$here/prerm" "$work/$package/DEBIAN"; fi
  (cd "$work/$package" && find usr -type f -exec md5sum {} + > DEBIAN/md5sums)
  chmod -R u=rwX,go=rX "$work/$package"
  made=$target/${package}_${version}_$(dpkg --print-architecture).deb
  dpkg-deb --root-owner-group "-z${STREAM_PACKAGE_LEVEL:-6}" --build "$work/$package" "$made" > /dev/null
  say "$made"
}

version=$(sed -n 's/^project(stream VERSION \([0-9.]*\).*/\1/p' "$here/../CMakeLists.txt")
maintainer="the authors of stream <stream@localhost>"
split
for folder in "$work/$engine"*; do pack "$(basename "$folder")"; done
