#!/usr/bin/env bash
# certs.sh FOLDER NODE NODE_ADDRESS SERVICE_ADDRESS: one authority and, for each identity in the cluster, a certificate
# and a kubeconfig that works inside the node.
set -euo pipefail
umask 077
mkdir -p "$1"
cd "$1"
node=$2 address=$3 service=$4

new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }

issue() { # NAME SUBJECT [SUBJECT_ALT_NAMES]
  new_key "$1"
  openssl req -x509 -new -key "$1.key" -CA ca.crt -CAkey ca.key -days 30 -subj "$2" -out "$1.crt" \
    -addext basicConstraints=critical,CA:FALSE -addext keyUsage=critical,digitalSignature \
    -addext extendedKeyUsage=serverAuth,clientAuth ${3:+-addext "subjectAltName=$3"}
  cat >"$1.conf" <<END
apiVersion: v1
kind: Config
current-context: node
contexts: [{name: node, context: {cluster: node, user: $1}}]
clusters: [{name: node, cluster: {server: "https://127.0.0.1:6443", certificate-authority: "$PWD/ca.crt"}}]
users: [{name: $1, user: {client-certificate: "$PWD/$1.crt", client-key: "$PWD/$1.key"}}]
END
}

names=IP:127.0.0.1,IP:$address,IP:$service,DNS:localhost
for name in kubernetes{,.default{,.svc{,.cluster.local}}}; do names+=,DNS:$name; done

new_key ca
openssl req -x509 -new -key ca.key -days 30 -subj /CN=adit-cluster -out ca.crt
new_key service-accounts
openssl ec -in service-accounts.key -pubout -out service-accounts.pub 2>/dev/null
issue kube-apiserver /CN=kube-apiserver "$names"
issue kubelet-client /O=system:masters/CN=kubelet-client
issue kubelet "/O=system:nodes/CN=system:node:$node" "IP:$address,DNS:$node"
issue kube-controller-manager /CN=system:kube-controller-manager
issue kube-scheduler /CN=system:kube-scheduler
issue kube-proxy /CN=system:kube-proxy
issue coredns /CN=system:coredns
issue admin /O=system:masters/CN=admin
