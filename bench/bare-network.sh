#!/bin/bash
# What `wglab deploy` is measured against: the same network by hand and as fast as a shell can make it. Three nodes on one bridge,
# joined by Calico's VXLAN (VNI 4096, port 4789, nothing learnt), each with the routes to the pods of the others. No pods, no API.
#
# Run it in namespaces of its own, so that all of it goes when it ends:
#   unshare --net --mount --fork --pid --mount-proc --kill-child bash bare-network.sh [--check | --remove]
set -euo pipefail

NODES=3
mount -t tmpfs tmpfs /run # for `ip netns`
mkdir /run/bare && cd /run/bare

{
  echo 'link add wire type bridge'
  echo 'address add 172.18.0.1/16 dev wire'
  echo 'link set wire up'
  for ((n = 1; n <= NODES; n++)); do
    echo "netns add node$n"
    echo "link add node$n type veth peer name eth0 netns node$n"
    echo "link set node$n master wire up"
  done
} > wire

for ((n = 1; n <= NODES; n++)); do
  {
    echo 'link set lo up'
    echo "address add 172.18.0.$((n + 1))/16 dev eth0"
    echo 'link set eth0 up'
    echo 'route add default via 172.18.0.1'
    echo "link add vxlan.calico address 66:00:00:00:00:0$n mtu 1450 type vxlan id 4096 dstport 4789 local 172.18.0.$((n + 1)) dev eth0 nolearning"
    echo "address add 192.168.$n.0/32 dev vxlan.calico"
    echo 'link set vxlan.calico up'
    echo "route add blackhole 192.168.$n.0/26"
    for ((peer = 1; peer <= NODES; peer++)); do
      ((peer == n)) && continue
      echo "neighbour add 192.168.$peer.0 lladdr 66:00:00:00:00:0$peer dev vxlan.calico nud permanent"
      echo "route add 192.168.$peer.0/26 via 192.168.$peer.0 dev vxlan.calico onlink"
    done
  } > "node$n"
  for ((peer = 1; peer <= NODES; peer++)); do
    ((peer == n)) || echo "fdb add 66:00:00:00:00:0$peer dev vxlan.calico dst 172.18.0.$((peer + 1)) self permanent"
  done > "fdb$n"
done

ip -batch wire
for ((n = 1; n <= NODES; n++)); do
  ip -netns "node$n" -batch "node$n"
  bridge -netns "node$n" -batch "fdb$n"
  ip netns exec "node$n" sysctl -qw net.ipv4.ip_forward=1 # a node that forwards nothing would be no use to pods
done

if [ "${1:-}" = --check ]; then
  for ((n = 1; n <= NODES; n++)); do
    for ((peer = 1; peer <= NODES; peer++)); do
      ((peer == n)) || ip netns exec "node$n" busybox ping -q -c 1 -W 2 "192.168.$peer.0" > /dev/null
    done
  done
  echo 'every node reaches every other through VXLAN'
fi

# The kernel takes a namespace and its interfaces away later than `ip netns` returns: only then all of it is gone.
if [ "${1:-}" = --remove ]; then
  for ((n = 1; n <= NODES; n++)); do ip netns delete "node$n"; done
  ip link delete wire
  until [ -z "$(ip -o link show type veth)" ]; do :; done
fi
