#!/usr/bin/env bash
# Installs the Debian packages that e2e/node needs. Does nothing when all of them are there.
set -euo pipefail
packages=(containerd runc containernetworking-plugins iptables conntrack ipset iproute2 util-linux openssl buildah debootstrap)
if dpkg-query -W -f '${db:Status-Status}\n' "${packages[@]}" 2>/dev/null | grep -c '^installed$' | grep -qx "${#packages[@]}"; then
  echo 'all present'
  exit 0
fi
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
"${as_root[@]}" apt-get update
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y --no-install-recommends "${packages[@]}"
