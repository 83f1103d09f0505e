/**
 * A session on a node, in bash: it captures into a file of its own and takes orders, line by line, on standard input.
 *   control ADDRESS PORT TEXT   sends a UDP packet
 *   sent ID                     answers "sent ID FAILED": how many packets could not be sent since the last time
 *   route TO FROM               answers "route TO FROM INTERFACE TEXT": where the node sends what a pod of its own sends to TO
 *   behind                      "await" looks at what is captured from now on
 *   text TEXT                   names a text for the next "await"
 *   await ID COUNT MS           answers "saw ID" once COUNT of these texts are in the file, or "missed ID"
 *   stop                        stops tcpdump, which is answered by "ended STATUS"
 *   fetch                       answers "size BYTES", and that many bytes
 *
 * The file has lost its name before the first packet is written: however the run ends, nothing of it remains on the node. It ends
 * with the input of the session, or if no order comes for ten minutes. A tap that sends what it captures captures its own
 * sending, too; so nothing is fetched before tcpdump has ended.
 * The file lies in memory if there is room, and may take half of the room that there is, at most 1 GiB; beyond that tcpdump ends with
 * "File too large", which spoils the run.
 * `outbound` is judged by the kernel, before a packet takes a place in the ring; tcpdump's -Q would judge it after.
 * In immediate mode every packet takes a slot of 64 KiB (TPACKET_V2): 256 of them are enough for a quiet node. On a busy one
 * tcpdump uses TPACKET_V3, whose blocks hold as many packets as fit: these 64 MiB hold 40,000, but reach the file up to a second late.
 * -Z root: tcpdump must not look for a user that the node may lack.
 */
export const TAP_SESSION = `interface=$1 busy=$2 packets=$3 at=$4
trap '' XFSZ
room() { { read -r _; read -r _ _ _ free _; } < <(df -Pk "$1" 2> /dev/null); echo "\${free:-0}"; }
file=
for least in 262144 16384; do
  for folder in /dev/shm "\${TMPDIR:-/tmp}" /var/tmp; do
    free=$(room "$folder")
    [ "$free" -ge "$least" ] && file=$(mktemp "$folder/wglab-tap.XXXXXX" 2> /dev/null) && break 2
  done
done
[ -n "$file" ] || { echo "no room for a capture: /dev/shm, /tmp and /var/tmp have less than 16 MiB" >&2; echo 'ended 1'; exit 1; }
exec 4> "$file" 5< "$file" 6<&0
rm -f "$file"
limit=$((free / 2 < 1048576 ? free / 2 : 1048576))
now() { echo "\${EPOCHREALTIME//[!0-9]/}"; }
read -r count 2> /dev/null < "/sys/class/net/$interface/statistics/tx_packets"
passed=$(($(now) - at))
rate=$(((\${count:-0} - packets) * 1000000 / (passed > 0 ? passed : 1)))
[ "$rate" -gt 1000 ] && busy=yes
mode='--immediate-mode -B 16384'
[ "$busy" = yes ] && mode='-B 65536'
echo "mode $busy $rate"
(ulimit -f "$limit"; exec tcpdump -i "$interface" -n -U $mode -s 0 -Z root -w - outbound) >&4 4>&- 5<&- 6<&- &
capture=$!
wanted= behind=1
size() { stat -Lc %s "/proc/$$/fd/5"; }
saw() { # ID COUNT MS
  local line end=$(($(now) + $3 * 1000)) texts=$wanted
  wanted=
  while :; do
    local -A found=()
    while read -r line; do found[$line]=1; done < <(
      tail -c "+$behind" "/proc/$$/fd/5" | tr -c '[:print:]' '\\n' | grep -oFf <(printf %s "$texts"))
    [ "\${#found[@]}" -ge "$2" ] && { echo "saw $1"; return; }
    [ "$(now)" -lt "$end" ] && [ -e "/proc/$capture/stat" ] && ! read -rt 0 || { echo "missed $1"; return; }
    sleep 0.01
  done
}
route() { # TO FROM
  local device text
  device=$(ip -o route get "$2" 2> /dev/null | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p')
  text=$(ip -o route get "$1" from "$2" iif "$device" 2>&1 | tr '\\n\\t' '  ')
  device=$(printf %s "$text" | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p')
  echo "route $1 $2 \${device:--} $text"
}
orders() {
  local failed=0 order a b c
  while read -rt 600 order a b c; do
    case $order in
      control) { printf %s "$c" > "/dev/udp/$a/$b"; } 2> /dev/null || failed=$((failed + 1)) ;;
      sent) echo "sent $a $failed"; failed=0 ;;
      behind) behind=$(($(size) + 1)) ;;
      route) route "$a" "$b" ;;
      text) wanted="$wanted$a\${b:+ $b}\${c:+ $c}"$'\\n' ;;
      await) saw "$a" "$b" "$c" ;;
      stop) while kill "$capture" 2> /dev/null; do sleep 0.01; done ;;
      fetch) echo "size $(size)"; cat "/proc/$$/fd/5"; return ;;
    esac
  done
  kill "$capture" 2> /dev/null
}
orders <&6 4>&- &
reader=$!
exec 4>&- 6<&-
wait "$capture"
echo "ended $?"
wait "$reader"`;
