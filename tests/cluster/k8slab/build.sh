#!/usr/bin/env bash
# build.sh OUT: builds the programs of a cluster into the folder OUT, naming each compiled package on standard error.
set -euo pipefail
cd "$(dirname "$0")"
out=$1

kubernetes=$(sed -n 's/.*k8s.io\/kubernetes \(v[0-9.]*\)$/\1/p' go.mod | head -1)
minor=${kubernetes#v1.}
package=k8s.io/component-base/version
export CGO_ENABLED=0
mkdir -p "$out"
go build -v -trimpath -o "$out/k8slab" -ldflags "-s -w -X $package.gitVersion=$kubernetes \
  -X $package.gitMajor=1 -X $package.gitMinor=${minor%%.*}" .
go build -v -trimpath -o "$out/pause" -ldflags '-s -w' ./pause
for program in coredns etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl; do
  ln -sf k8slab "$out/$program"
done
