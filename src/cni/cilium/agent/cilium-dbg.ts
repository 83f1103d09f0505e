/**
 * The program `cilium-dbg` of the agent's pod: the commands that labs and wglab use, with the lines that Cilium 1.20 prints. What changes
 * by itself is asked of the node: the device's peers, the states and the counters.
 */
export const CILIUM_DBG = `#!/bin/sh
data=/run/cilium/dbg
device=cilium_wg0
mode=$(cat $data/encryption)

wireguard_key() { wg show $device public-key; }
peer_count() { wg show $device peers | grep -c .; }
states() { ip xfrm state | grep -c '^src'; }
errors() { awk '{ sum += $2 } END { print sum + 0 }' /proc/net/xfrm_stat 2> /dev/null || echo 0; }
max_sequence() {
  ip -s xfrm state | sed -n 's/.*oseq-hi \\(0x[0-9a-f]*\\), oseq \\(0x[0-9a-f]*\\).*/\\1 \\2/p; s/.*oseq \\(0x[0-9a-f]*\\).*/0x0 \\1/p' |
    while read -r high low; do printf '%d\\n' $((high * 4294967296 + low)); done | sort -n | tail -n 1
}

sequence_text() {
  highest=$(max_sequence)
  if [ "\${highest:-0}" = 0 ]; then echo N/A; else printf '0x%x/0xffffffffffffffff\\n' "$highest"; fi
}

peers_json() {
  separator=
  printf '['
  wg show $device dump | tail -n +2 | while read -r key _ endpoint allowed handshake rx tx _; do
    time=0001-01-01T00:00:00.000Z
    [ "$handshake" = 0 ] || time=$(date -u -d "@$handshake" +%Y-%m-%dT%H:%M:%S.000Z)
    printf '%s{"public-key":"%s","endpoint":"%s","allowed-ips":["%s"],"last-handshake-time":"%s","transfer-rx":%s,"transfer-tx":%s}' \\
      "$separator" "$key" "$endpoint" "$allowed" "$time" "$rx" "$tx"
    separator=,
  done
  printf ']'
}

encryption_json() {
  case $mode in
    wireguard)
      printf '{"mode":"Wireguard","wireguard":{"interfaces":[{"listen-port":51871,"name":"%s","peer-count":%s,"peers":%s,"public-key":"%s"}],"node-encrypt-opt-out-labels":"node-role.kubernetes.io/control-plane","node-encryption":"Disabled"}}' \\
        $device "$(peer_count)" "$1" "$(wireguard_key)" ;;
    ipsec)
      printf '{"mode":"IPsec","ipsec":{"decrypt-interfaces":["eth0"],"keys-in-use":%s,"max-seq-number":"%s","error-count":%s,"xfrm-errors":{%s}}}' \\
        "$(states)" "$(sequence_text)" "$(errors)" "$(xfrm_json)" ;;
    *) printf '{"mode":"Disabled"}' ;;
  esac
}

xfrm_json() { awk '$2 > 0 { printf "%s\\"%s\\":%s", (seen++ ? "," : ""), $1, $2 }' /proc/net/xfrm_stat 2> /dev/null; }

status_line() {
  case $mode in
    wireguard) echo "Encryption:       Wireguard       [NodeEncryption: Disabled, $device (Pubkey: $(wireguard_key), Port: 51871, Peers: $(peer_count))]" ;;
    ipsec) echo 'Encryption:       IPsec           ' ;;
    *) echo 'Encryption:       Disabled        ' ;;
  esac
}

status_text() {
  echo 'KVStore:                Disabled   '
  echo 'KubeProxyReplacement:   False   '
  echo 'Cilium:                 Ok    (wglab: no agent runs here; routes, rules and marks stand in for eBPF)'
  echo "IPAM:                   $(cat $data/ipam)"
  echo 'Routing:                Network: Tunnel [vxlan]   Host: Legacy'
  status_line
}

encrypt_status() {
  case $mode in
    wireguard)
      echo 'Encryption: Wireguard'
      echo "Interface: $device"
      printf '\\tPublic key: %s\\n' "$(wireguard_key)"
      printf '\\tNumber of peers: %s\\n' "$(peer_count)" ;;
    ipsec)
      echo 'Encryption: IPsec'
      echo 'Decryption interface(s): eth0'
      echo "Keys in use: $(states)"
      echo "Max Seq. Number: $(sequence_text)"
      echo "Errors: $(errors)"
      awk '$2 > 0 { printf "\\t%s: %s\\n", $1, $2 }' /proc/net/xfrm_stat 2> /dev/null ;;
    *) echo 'Encryption: Disabled' ;;
  esac
}

unknown() {
  echo "wglab: the embedded engine has no cilium-dbg $*: it has no agent and no eBPF. It knows status, encrypt status, config, node list, nodeid list, debuginfo." >&2
  exit 1
}

case "$*" in
  'status -o json' | 'status --output=json' | 'status --output json')
    printf '{"encryption":%s,"cilium":{"state":"Ok","msg":"wglab"},"ipam":{"status":"%s"},"kube-proxy-replacement":{"mode":"False"}}\\n' "$(encryption_json null)" "$(cat $data/ipam)" ;;
  status | 'status --verbose' | 'status --brief') status_text ;;
  'encrypt status') encrypt_status ;;
  'encrypt status -o json' | 'encrypt status --output=json' | 'encrypt status --output json') encryption_json null; echo ;;
  debuginfo*json) printf '{"encryption":%s}\\n' "$(encryption_json "$([ "$mode" = wireguard ] && peers_json)")" ;;
  config | 'config -a' | 'config --all') cat $data/config ;;
  'node list') cat $data/nodes ;;
  'nodeid list') cat $data/nodeids ;;
  *) unknown "$*" ;;
esac
`;
