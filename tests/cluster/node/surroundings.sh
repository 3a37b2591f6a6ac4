# Sourced by node.sh: what makes new namespaces look like a machine of its own. Nothing here shows outside of them.

mount --make-rshared /
mount -t proc proc /proc
mount -t sysfs sysfs /sys
for folder in /run /var/lib /var/log /sys/fs/cgroup; do mount -t tmpfs tmpfs $folder; done
mkdir /run/netns

if [ "$(cut -d: -f2 /proc/self/cgroup)" = "" ]; then
  # Version 2 only. A group that holds processes may not hand controllers to groups below it: ours moves into a leaf.
  umount /sys/fs/cgroup
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  mkdir /sys/fs/cgroup/node
  while read -r process; do
    echo "$process" >/sys/fs/cgroup/node/cgroup.procs
  done </sys/fs/cgroup/cgroup.procs
  for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
    echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control
  done
else
  while IFS=: read -r _ names _; do
    case $names in
      '') continue ;;
      name=*) folder=${names#name=} options=none,$names ;;
      *) folder=$names options=$names ;;
    esac
    mkdir "/sys/fs/cgroup/$folder"
    mount -t cgroup -o "$options" cgroup "/sys/fs/cgroup/$folder"
  done </proc/self/cgroup
fi

# The kernel has one of each of these for all namespaces, and the kubelet sets them. It finds them set, in files of ours.
mkdir /run/sysctl
while read -r setting value; do
  file=/run/sysctl/${setting//\//.}
  echo "$value" >"$file"
  [ ! -e "/proc/sys/$setting" ] || mount --bind "$file" "/proc/sys/$setting"
done <<END
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
END

hostname "$node"
ip link set lo up
ip address add "$address/32" dev lo
ip route add "$services" dev lo # a route for kube-proxy to rewrite; there is no default route, so nothing can leave
sysctl -qw net.ipv4.ip_forward=1
