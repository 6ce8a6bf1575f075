# Sourced by what needs a bare Debian of this machine's release.

suite=$(. /etc/os-release && echo "$VERSION_CODENAME")

# bare_root FOLDER: makes it there; what reaches the source of packages here reaches it there.
bare_root() {
  local mirror
  mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' | awk -v suite="$suite" '$1 == suite && !found++ { print $2 }')
  [ -n "$mirror" ] || { echo "$0: apt has no source of Debian '$suite' here; add one to /etc/apt/sources.list" >&2; return 1; }
  debootstrap --variant=minbase "$suite" "$1" "$mirror" > "$1.log" 2>&1 || { tail -5 "$1.log" >&2; return 1; }
  rm -f "$1.log"
  apt-config dump Acquire > "$1/etc/apt/apt.conf.d/acquire"
}
