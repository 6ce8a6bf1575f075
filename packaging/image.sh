#!/usr/bin/env bash
# A container image of packages, by podman: image.sh FOLDER NAME
#
# Where no registry gives the image it starts from, that is made here, as a bare root is: it needs debootstrap.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$(cd "$1" && pwd)
base=$(sed -n 's/^FROM //p' "$here/Containerfile")
. "$here/bare_root.sh"
root=$(mktemp -d)
trap 'rm -rf --one-file-system "$root"' EXIT
runtime=()  # crun takes no mixed control groups
[ ! -d /sys/fs/cgroup/unified ] || runtime=(--runtime runc)

make_base() {
  bare_root "$root" || return  # errexit does not hold behind ||
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  tar -C "$root" -c . | podman import - "docker.io/library/$base" > /dev/null
}

podman image exists "$base" || podman pull -q "docker.io/library/$base" 2> /dev/null || make_base
podman "${runtime[@]}" build -q --network host -f "$here/Containerfile" -t "$2" "$folder"
