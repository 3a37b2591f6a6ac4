#!/usr/bin/env bash
# node.sh PROGRAMS RUN IMAGE: process 1 of the cluster's namespaces. It starts every program, writes each step that is
# done to RUN/steps and "ready" at the end, and takes everything with it when it is killed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
programs=$1 run=$2 image=$3
node=adit address=10.250.0.1 pods=10.244.0.0/24 services=10.96.0.0/16
pki=$run/pki
export PATH=$programs:/usr/sbin:/usr/bin:/sbin:/bin

step() { echo "$1" >>"$run/steps"; }
start() { # NAME ARGUMENT…: its output is its log
  local name=$1
  shift
  "$name" "$@" >"$run/log/$name.log" 2>&1 &
}
await() { # STEP COMMAND…
  local name=$1
  shift
  until "$@" >/dev/null 2>&1; do sleep 0.1; done
  step "$name"
}

# Our number as those outside know it: /proc is still theirs.
read -r process _ </proc/self/stat
echo "$process" >"$run/node.pid"

. "$here/surroundings.sh"
step namespaces
"$here/certs.sh" "$pki" $node $address 10.96.0.1
. "$here/configuration.sh"
step certificates

mkdir "$run/containerd"
mount -t tmpfs tmpfs "$run/containerd" # steadier than a disk that images are synced to
start containerd --config "$run/containerd.toml"
start etcd --data-dir "$run/etcd" --unsafe-no-fsync --log-level warn
start kube-apiserver --etcd-servers http://127.0.0.1:2379 --advertise-address $address \
  --service-cluster-ip-range $services --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction,OwnerReferencesPermissionEnforcement \
  --client-ca-file "$pki/ca.crt" --tls-cert-file "$pki/kube-apiserver.crt" --tls-private-key-file "$pki/kube-apiserver.key" \
  --kubelet-certificate-authority "$pki/ca.crt" --kubelet-client-certificate "$pki/kubelet-client.crt" \
  --kubelet-client-key "$pki/kubelet-client.key" --kubelet-preferred-address-types InternalIP \
  --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$pki/service-accounts.pub" \
  --service-account-signing-key-file "$pki/service-accounts.key"
await containerd ctr -n k8s.io version
ctr -n k8s.io images import "$image" >"$run/log/import.log" 2>&1

export KUBECONFIG=$pki/admin.conf
await "API server" kubectl get --raw /readyz
kubectl apply -f "$run/addons.yaml" >"$run/log/addons.log"
# Without the higher limits the default service account comes 5 s after the node is Ready.
start kube-controller-manager --kubeconfig "$pki/kube-controller-manager.conf" --leader-elect=false --secure-port 0 \
  --use-service-account-credentials --kube-api-qps 500 --kube-api-burst 500 --root-ca-file "$pki/ca.crt" \
  --service-account-private-key-file "$pki/service-accounts.key" --flex-volume-plugin-dir "$run/plugins"
start coredns "$run/Corefile"
start kube-scheduler --kubeconfig "$pki/kube-scheduler.conf" --leader-elect=false --secure-port 0
start kubelet --config "$run/kubelet.yaml" --kubeconfig "$pki/kubelet.conf" --root-dir "$run/kubelet" \
  --hostname-override $node --node-ip $address
# Zero: the size of the kernel's connection table is not ours to change.
start kube-proxy --kubeconfig "$pki/kube-proxy.conf" --proxy-mode nftables --cluster-cidr $pods \
  --conntrack-max-per-core 0 --conntrack-min 0 \
  --hostname-override $node --healthz-bind-address "" --metrics-bind-address ""
await node kubectl wait --for=condition=Ready "node/$node" --timeout=1s
await "service account" kubectl get serviceaccount default
step ready
wait
