#!/usr/bin/env bash
# The API server of Kubernetes, its controllers, scheduler and kubelet, from the Go modules they are published as: build_kubernetes.sh FOLDER
#
# What the tests of Kubernetes run on, which say so where it is absent. It takes Go and some ten minutes.
set -euo pipefail
version=1.34.4
programs=(kube-apiserver kube-controller-manager kube-scheduler kubelet)
target=$(mkdir -p "$1" && cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export CGO_ENABLED=0

# Its parts are modules of their own, of the same version with another beginning; it names them as folders of its tree.
whole=$(go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/^\t"Dir": "\(.*\)",/\1/p')
printf 'module kubernetes\n\nrequire k8s.io/kubernetes v%s\n' "$version" > go.mod
sed -n "s#^\t\(k8s.io/[a-z-]*\) => ./staging.*#replace \1 => \1 v0.${version#*.}#p" "$whole/go.mod" >> go.mod
{
  printf '//go:build tools\n\npackage kubernetes\n\nimport (\n'
  printf '\t_ "k8s.io/kubernetes/cmd/%s"\n' "${programs[@]}"
  printf ')\n'
} > tools.go
go mod tidy -e
stamp=k8s.io/component-base/version
for program in "${programs[@]}"; do
  go build -p 2 -o "$program" -ldflags "-s -w -X $stamp.gitVersion=v$version -X $stamp.gitMajor=${version%%.*} -X $stamp.gitMinor=$(cut -d. -f2 <<< "$version")" \
    "k8s.io/kubernetes/cmd/$program"
  mv "$program" "$target/$program"
done
