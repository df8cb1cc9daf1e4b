#!/bin/sh
# Ends a cluster whose folder is $1 and removes everything it made: processes, containers, mounts, network namespaces,
# cgroups. The folder holds `name` (the prefix of all names), `nodes` (their numbers) and `pids/` (a file for each
# daemon).
folder=$1
[ -f "$folder/name" ] || exit 0
name=$(cat "$folder/name")
state=/run/$name

end() { # end DAEMON SIGNAL
  [ -f "$folder/pids/$1" ] || return 0
  pid=$(cat "$folder/pids/$1")
  # A stopped process handles no signal.
  kill "-$2" "$pid" 2>/dev/null && kill -CONT "$pid" 2>/dev/null
  for _ in $(seq 50); do
    # A child that nobody has waited for yet is a zombie, and gone.
    case $(cut -d' ' -f3 "/proc/$pid/stat" 2>/dev/null) in '' | Z) break ;; esac
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null
  rm -f "$folder/pids/$1"
}

nodes=$(cat "$folder/nodes" 2>/dev/null)
# Kubelets first: they would start containers again.
for node in $nodes; do
  end "kubelet-$node" KILL
  end "kube-proxy-$node" KILL
  end "kube-router-$node" KILL
done
for node in $nodes; do
  [ -S "$state/$node/containerd.sock" ] || continue
  runtime() { timeout 20 ctr -a "$state/$node/containerd.sock" -n k8s.io "$@"; }
  # Without a kubelet nobody removes the pods' networks, which are named in the containers.
  for container in $(runtime containers ls -q 2>/dev/null); do
    runtime containers info "$container" 2>/dev/null | grep -o 'cni-[0-9a-f-]*' >>"$folder/networks"
  done
  for task in $(runtime tasks ls -q 2>/dev/null); do runtime tasks rm -f "$task" >/dev/null 2>&1; done
  end "containerd-$node" TERM
done
for pid in "$folder"/pids/*; do [ -e "$pid" ] && end "$(basename "$pid")" KILL; done
# Shims are children of no daemon; each works in a folder of this cluster.
for shim in /proc/[0-9]*; do
  case $(readlink "$shim/cwd" 2>/dev/null) in "$state"/*) kill -KILL "${shim#/proc/}" 2>/dev/null ;; esac
done
# What a slow runtime did not end is still in the cgroups of the nodes, and names the network of its pod.
processes() { # processes NODE
  find /sys/fs/cgroup/*/"$name-$1" /sys/fs/cgroup/"$name-$1" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -u
}
for node in $nodes; do
  for pid in $(processes "$node"); do
    ip netns identify "$pid" 2>/dev/null | grep '^cni-' >>"$folder/networks"
    kill -KILL "$pid" 2>/dev/null
  done
  for _ in $(seq 50); do
    [ -z "$(processes "$node")" ] && break
    sleep 0.1
  done
done
awk '{ print $2 }' /proc/mounts | grep -E "^($folder|$state)/" | sort -r | while read -r mount; do umount -l "$mount" 2>/dev/null; done
sort -u "$folder/networks" 2>/dev/null | while read -r network; do ip netns del "$network" 2>/dev/null; done
for node in $nodes; do
  ip netns del "$name-$node" 2>/dev/null
  for group in /sys/fs/cgroup/*/"$name-$node" /sys/fs/cgroup/"$name-$node"; do
    [ -d "$group" ] && find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null
  done
done
rm -rf "$state" "$folder"
