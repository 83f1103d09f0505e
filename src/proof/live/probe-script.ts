/**
 * A session in a pod, for any POSIX shell: it sends and answers on order, line by line, one exec for all of a run.
 *   serve ID PORT MINE THEIRS LENGTH…             takes one connection: answers each message with one of the next length
 *   talk ID FAMILY ADDRESS PORT MINE THEIRS LENGTH…  opens one: sends a message of each length, each after the answer to the last
 *   echo ID FAMILY ADDRESS LENGTH…                sends an ICMP echo with so many bytes, each after the answer to the last
 *   datagrams ID FAMILY ADDRESS PORT WAITS LENGTH…  sends an IP packet of each length with a UDP datagram to the port
 *   teach ID FAMILY ADDRESS LENGTH                sends such an echo, and waits until it has left, but not for its answer
 *   device ID ADDRESS                             answers the MTU of the interface that leads there
 * A message is a line: a marker, and zeros up to its length. MINE and THEIRS are the markers of the two sides; they travel on
 * standard input, so that no process list shows them. Every wait is bounded, in seconds.
 *
 * One message after the other, so that each is a TCP segment of its own: with none unanswered, nothing holds it back or joins it to
 * the next. nc and the shell talk by a named pipe, which has lost its name before the first message.
 * Whether the port is open is asked after a pause, and read line by line, listeners first, no further than needed: for the end of
 * that list the kernel searches its whole table of connections, which takes milliseconds on a large machine.
 *
 * busybox has no UDP but traceroute's: a datagram to a port where nobody listens, with a TTL that leads to the end. Its answer is
 * not waited for, as kernels answer six and then one a second: a process that sleeps has sent, and is killed in the end. The
 * kernel counts the answers; the first one is waited for in WAITS steps of 10 ms.
 */
export const PROBE_SESSION = `command -v nc > /dev/null || { echo 'no nc'; exit 127; }
for folder in /dev/shm /tmp /var/tmp /run; do [ -w "$folder" ] && break; done
exec 3>&1
nc6=
case $(nc -h 2>&1) in *46*) nc6=-6 ;; esac
message() { # MARKER LENGTH
  printf "%s%0$(($2 - 49))d\\n" "$1" 0
}
serve() {
  id=$1 pipe=$folder/wglab.$$.$1 port=$2 mine=$3 theirs=$4 family=$5
  shift 5
  mkfifo "$pipe" || { echo "heard $id"; return; }
  [ "$family" = 6 ] || nc6=
  timeout 30 nc $nc6 -l -p "$port" 2> /dev/null < "$pipe" | {
    rm -f "$pipe"
    heard=
    for length; do
      read -r line || break
      case $line in "$theirs"*) heard="$heard $((\${#line} + 1))" ;; *) break ;; esac
      message "$mine" "$length"
    done
    echo "heard $id$heard" >&3
  } > "$pipe"
}
talk() {
  id=$1 pipe=$folder/wglab.$$.$1 address=$3 port=$4 mine=$5 theirs=$6
  shift 6
  mkfifo "$pipe" || { echo "heard $id"; return; }
  timeout 30 nc -w 5 "$address" "$port" 2> /dev/null < "$pipe" | {
    rm -f "$pipe"
    heard=
    for length; do
      message "$mine" "$length"
      read -r line || break
      case $line in "$theirs"*) heard="$heard $((\${#line} + 1))" ;; *) break ;; esac
    done
    echo "heard $id$heard" >&3
  } > "$pipe"
}
echoes() {
  id=$1 family=$2 address=$3 sent=0 answered=0
  shift 3
  command -v ping > /dev/null || { echo "echoed $id 0 0 the image has no ping"; return; }
  for length; do
    sent=$((sent + 1))
    ping "-$family" -q -c 1 -W 1 -s "$length" "$address" > /dev/null 2>&1 && answered=$((answered + 1))
    [ "$answered" -gt 0 ] || [ "$sent" -lt 2 ] || break
  done
  echo "echoed $id $sent $answered"
}
asleep() { # PID NAME
  tries=0
  while [ "$tries" -lt 2000 ] && read -r _ name state _ < "/proc/$1/stat"; do
    case $name$state in *"$2"*S) break ;; esac
    tries=$((tries + 1))
  done
} 2> /dev/null
teach() {
  ping "-$2" -q -c 1 -W 1 -s "$4" "$3" > /dev/null 2>&1 &
  asleep $! ping
  echo "taught $1"
}
unreachable() { # FAMILY
  if [ "$1" = 6 ]; then sed -n 's/^Icmp6InDestUnreachs[^0-9]*//p' /proc/net/snmp6
  else sed -n 's/^Icmp: [0-9]* [0-9]* [0-9]* \\([0-9]*\\) .*/\\1/p' /proc/net/snmp; fi
}
datagrams() {
  id=$1 family=$2 address=$3 port=$(($4 - 1)) waits=$5 sent=0 pids= before=$(unreachable "$2")
  shift 5
  command -v traceroute > /dev/null || { echo "flung $id 0 0 the image has no traceroute"; return; }
  for length; do
    traceroute "-$family" -n -f 64 -m 64 -q 1 -w 1 -p "$port" "$address" "$length" > /dev/null 2>&1 &
    asleep $! traceroute
    sent=$((sent + 1)) pids="$pids $!"
  done
  while [ "$waits" -gt 0 ] && [ "$(unreachable "$family")" = "$before" ]; do sleep 0.01; waits=$((waits - 1)); done
  kill -9 $pids 2> /dev/null
  echo "flung $id $sent $(($(unreachable "$family") - before))"
}
device() { # ID ADDRESS
  name=$(ip route get "$2" 2> /dev/null | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p')
  echo "device $1 $(ip link show dev "$name" 2> /dev/null | sed -n 's/.* mtu \\([0-9]*\\).*/\\1/p')"
}
listens() {
  while read -r _ local _ state _; do
    case "$local $state" in *":$2 0A") return 0 ;; esac
  done < "$1"
  return 1
} 2> /dev/null
await() { # ID HEX-PORT
  tries=0
  until listens /proc/net/tcp6 "$2" || listens /proc/net/tcp "$2"; do
    tries=$((tries + 1))
    [ "$tries" -lt 500 ] || { echo "failed $1"; return; }
    sleep 0.01 2> /dev/null || sleep 1
  done
  echo "listening $1"
}
echo ready
while read -r verb rest; do
  set -- $rest
  case $verb in
    serve)
      id=$1 hex=$3 port=$2
      mine=$4 theirs=$5 family=$6
      shift 6
      serve "$id" "$port" "$mine" "$theirs" "$family" "$@" & await "$id" "$hex" &
      ;;
    talk) talk "$@" & ;;
    echo) echoes "$@" & ;;
    teach) teach "$@" & ;;
    datagrams) datagrams "$@" & ;;
    device) device "$@" & ;;
  esac
done
wait`;
