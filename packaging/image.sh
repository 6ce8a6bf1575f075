#!/usr/bin/env bash
# A container image of packages, by podman: image.sh FOLDER NAME
#
# Where no registry gives the image it starts from, that is made here, as a bare root is: it needs debootstrap.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$(cd "$1" && pwd)
base=$(sed -n 's/^FROM //p' "$here/Containerfile")
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
root=$(mktemp -d)
trap 'rm -rf --one-file-system "$root"' EXIT
runtime=()  # crun takes no mixed control groups
[ ! -d /sys/fs/cgroup/unified ] || runtime=(--runtime runc)

make_base() {
  local mirror
  mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' | awk -v suite="$suite" '$1 == suite && !found++ { print $2 }')
  debootstrap --variant=minbase "$suite" "$root" "$mirror" > /dev/null
  apt-config dump Acquire > "$root/etc/apt/apt.conf.d/acquire"
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  tar -C "$root" -c . | podman import - "docker.io/library/$base" > /dev/null
}

podman image exists "$base" || podman pull -q "docker.io/library/$base" 2> /dev/null || make_base
podman "${runtime[@]}" build -q --network host -f "$here/Containerfile" -t "$2" "$folder"
