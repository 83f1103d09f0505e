#!/bin/bash
# Real packets for the tests: two network namespaces with a cable between them, on which VLAN, VXLAN, IP-in-IP and WireGuard run
# in clear view of tcpdump. Runs inside `unshare` with a mount and a pid namespace of its own, so that the kernel removes all of it.
# Writes ethernet.pcap, sll.pcap, sll2.pcap and the WireGuard public keys a.pub and b.pub to the folder $1.
set -eu
umask 077
out=$1
mount -t tmpfs none /run
mkdir -p /run/netns /run/wireguard
for node in a b; do ip netns add $node; done
ip link add eth0 netns a type veth peer name eth0 netns b

in_node() { node=$1; shift; ip netns exec "$node" "$@"; }

# Gives both nodes addresses on a device: 10.$2.0.x and fd00:$2::x, a is 1 and b is 2.
number() {
  for pair in a:1 b:2; do
    node=${pair%:*} last=${pair#*:}
    in_node $node ip address add 10.$2.0.$last/24 dev "$1"
    in_node $node ip -6 address add fd00:$2::$last/64 dev "$1" nodad
    in_node $node ip link set "$1" up
  done
}

for node in a b; do in_node $node ip link set lo up; done
number eth0 18
for pair in a:1:2 b:2:1; do
  node=${pair%%:*} rest=${pair#*:}
  mine=10.18.0.${rest%:*} theirs=10.18.0.${rest#*:}
  in_node $node ip link add vxlan0 type vxlan id 4096 dstport 4789 local $mine remote $theirs dev eth0
  in_node $node ip link add vlan7 link eth0 type vlan id 7 2> /dev/null || true
  in_node $node ip link add ipip0 type ipip local $mine remote $theirs 2> /dev/null || true
  in_node $node wireguard-go wg0$node >/dev/null 2>&1
  wg genkey > /run/$node.key
  wg pubkey < /run/$node.key > "$out/$node.pub"
done
number vxlan0 19
in_node a ip link show vlan7 >/dev/null 2>&1 && number vlan7 20
in_node a ip link show ipip0 >/dev/null 2>&1 && number ipip0 21
for pair in a:1:b:2 b:2:a:1; do
  IFS=: read -r node mine peer theirs <<END
$pair
END
  in_node $node wg set wg0$node private-key /run/$node.key listen-port 51820 \
    peer "$(cat "$out/$peer.pub")" endpoint 10.18.0.$theirs:51820 allowed-ips 10.22.0.0/24
  in_node $node ip address add 10.22.0.$mine/24 dev wg0$node
  in_node $node ip link set wg0$node up
done

capture() { # name, node, tcpdump's own words
  name=$1 node=$2; shift 2
  # Not in_node: the process in the background must be tcpdump itself, to be ended.
  ip netns exec $node tcpdump -Z root -U -n --immediate-mode -B 16384 -w "$out/$name.pcap" "$@" 2> "/run/$name.log" &
  eval "${name}_pid=$!"
  until grep -q 'listening on' "/run/$name.log"; do kill -0 $!; sleep 0.01; done
}
capture ethernet a -i eth0
capture sll b -i any -y LINUX_SLL
capture sll2 b -i any -y LINUX_SLL2

exchange() { # addresses of b
  ip netns exec b busybox nc -l -p 8080 > /run/received < /run/reply &
  server=$!
  until in_node b ss -ltn | grep -q :8080; do kill -0 $server; done
  in_node a busybox nc "$1" 8080 < /run/request > /dev/null
  wait $server
}
head -c 9000 /dev/urandom | od -An -tx1 > /run/request
cp /run/request /run/reply
# An answer of ICMP that the port is closed.
for address in 10.18.0.2 fd00:18::2 10.19.0.2; do
  in_node a bash -c 'echo question > "/dev/udp/$1/9"' - $address
done
for address in 10.18.0.2 fd00:18::2 10.19.0.2 fd00:19::2 10.20.0.2 10.21.0.2 10.22.0.2; do
  in_node a ip route get $address 2>/dev/null | grep -qE 'eth0|vxlan0|vlan7|ipip0|wg0' || continue
  exchange $address
  in_node a busybox ping -q -c 1 -W 2 -s 4000 $address > /dev/null
done
for pid in $ethernet_pid $sll_pid $sll2_pid; do kill $pid; done
wait $ethernet_pid $sll_pid $sll2_pid
