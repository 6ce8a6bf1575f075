#!/usr/bin/env bash
# Installs packages in a bare root made for it, beside another program called stream, and tries them: try.sh FOLDER
#
# Needs the right to chroot, debootstrap, and Debian's packages.
set -euo pipefail
folder=$(cd "$1" && pwd)
. "$(dirname "$0")/bare_root.sh"
root=$(mktemp -d)
chmod 755 "$root"  # apt gives up root to fetch
leave() {
  umount "$root/proc" 2> /dev/null || true
  rm -rf --one-file-system "$root"
}
trap leave EXIT

inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "$@"; }

bare_root "$root"
mount -t proc proc "$root/proc"
mkdir "$root/packages"
cp "$folder"/stream-pipelines*.deb "$root/packages"

step() { printf '\n== %s\n' "$1"; }

step "the engine alone"
inside sh -c 'apt-get update -qq && apt-get install -qqy --no-install-recommends /packages/stream-pipelines_*.deb > /dev/null'
inside stream --version
inside stream run "generate --rows 1000 'n, n % 10 as k' | aggregate --by k 'sum(n) as total' | write-file /tmp/out.ndjson"
inside sh -c 'wc -l < /tmp/out.ndjson'

step "its connectors"
inside sh -c 'apt-get install -qqy --no-install-recommends /packages/*.deb > /dev/null'
inside stream stages | sed -n 1,3p
for stage in read-kafka write-redis read-nats read-mqtt lua lookup listen; do inside "stream-$stage" --help | sed -n 1p; done

step "beside ImageMagick, which has a program called stream too"
inside sh -c 'apt-get install -qqy --no-install-recommends imagemagick > /dev/null; update-alternatives --display stream; update-alternatives --set stream /usr/bin/stream.pipelines'
inside stream --version

step "and gone again"
inside sh -c 'apt-get purge -qqy "stream-pipelines*" > /dev/null; ls /usr/bin | grep "^stream-" | grep -vc im6 || true; readlink -f /usr/bin/stream'
