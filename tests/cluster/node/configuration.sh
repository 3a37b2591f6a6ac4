# Sourced by node.sh: the files that the node's programs read.

mkdir -p "$run/cni"
cat >"$run/cni/10-pods.conflist" <<END
{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "pods0", "isGateway": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "/run/cni", "ranges": [[{"subnet": "$pods"}]],
            "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
END
cat >"$run/containerd.toml" <<END
version = 2
root = "$run/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "$run/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/adit/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$run/cni"
END
cat >"$run/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $pki/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $pki/kubelet.crt
tlsPrivateKeyFile: $pki/kubelet.key
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
clusterDomain: cluster.local
clusterDNS: [$address]
resolvConf: ""
podLogsDir: $run/pods
volumePluginDir: $run/plugins
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
END
cat >"$run/Corefile" <<END
.:53 {
  bind $address
  errors
  cache 5
  kubernetes cluster.local in-addr.arpa {
    kubeconfig $pki/coredns.conf
  }
}
END
{
  cat "$here/addons.yaml"
  # Nothing provisions volumes: these are ready, each to be used once.
  for number in $(seq 32); do
    mkdir -p -m 0777 "$run/volumes/$number"
    cat <<END
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: local-$number}
spec:
  storageClassName: standard
  persistentVolumeReclaimPolicy: Retain
  accessModes: [ReadWriteOnce, ReadWriteMany]
  capacity: {storage: 10Gi}
  local: {path: $run/volumes/$number}
  nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [$node]}]}]}}
END
  done
} >"$run/addons.yaml"
