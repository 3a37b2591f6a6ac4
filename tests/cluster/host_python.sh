#!/usr/bin/env bash
# host_python.sh ROOT PREFIX VERSION: a root file system with this machine's own Python and the libraries that it loads,
# laid out as in the official Python images.
set -euo pipefail
root=$1 prefix=$2 version=$3

mkdir -p "$root"/{bin,etc,root,tmp,usr/local/bin,usr/local/lib,usr/share}
chmod 1777 "$root/tmp"
printf 'root:x:0:0:root:/root:/bin/sh\nadit:x:10001:10001:adit:/tmp:/bin/sh\n' >"$root/etc/passwd"
cp -p "$prefix/bin/$version" "$root/usr/local/bin/"
ln -s "$version" "$root/usr/local/bin/python3"
ln -s python3 "$root/usr/local/bin/python"
tar -C "$prefix/lib" --exclude="$version/"{site-packages,dist-packages,test,idlelib,tkinter,turtledemo} \
  --exclude='config-*' --exclude='_tkinter*' -c "$version" | tar -C "$root/usr/local/lib" -x
mkdir -p "$root/usr/local/lib/$version/site-packages"
[ ! -d /usr/share/zoneinfo ] || cp -rp /usr/share/zoneinfo "$root/usr/share/"

libraries() {
  # What wheels may count on, then what Python itself loads.
  for name in ld-linux-x86-64.so.2 ld-linux-aarch64.so.1 libc.so.6 libm.so.6 libpthread.so.0 libdl.so.2 librt.so.1 \
    libutil.so.1 libresolv.so.2 libnss_files.so.2 libnss_dns.so.2 libgcc_s.so.1 libstdc++.so.6; do
    /sbin/ldconfig -p | awk -v name="$name" '$1 == name {print $NF}'
  done
  ldd "$prefix/bin/$version" "$prefix/lib/$version"/lib-dynload/*.so /bin/sh 2>/dev/null |
    grep -o '/[^ ]*\.so[^ ]*' | grep -v ':$'
}
libraries | sort -u | while read -r library; do
  install -D "$(readlink -f "$library")" "$root$library"
done
install -D /bin/sh "$root/bin/sh"
