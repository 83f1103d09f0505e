/** The differences between the two IP families in Calico's WireGuard: each has a device, a port and settings of its own. */
export interface Family {
  version: 4 | 6;
  /** Stands before what is named of this family; nothing for IPv4, which most clusters have alone. */
  before: '' | 'IPv6 ';
  /** The prefix length of a single address. */
  bits: 32 | 128;
  /** The IP header, UDP's 8 and WireGuard's header and tag of 32 bytes (felix, int_dataplane.go). */
  overhead: number;
  /** The program for its routes and rules, and the one that shows its firewall. */
  ip: 'ip' | 'ip -6';
  iptables: 'iptables' | 'ip6tables';
  /** Fields of FelixConfiguration. */
  fields: {
    enabled: 'wireguardEnabled' | 'wireguardEnabledV6';
    interface: 'wireguardInterfaceName' | 'wireguardInterfaceNameV6';
    port: 'wireguardListeningPort' | 'wireguardListeningPortV6';
    mtu: 'wireguardMTU' | 'wireguardMTUV6';
  };
  /** The defaults of these fields. */
  defaults: { interface: string; port: number };
  /** The annotation in which a node publishes its key. */
  annotation: string;
  /** An address as it is written before a port. */
  host: (address: string) => string;
  /** Returns whether a link of the chain is looked at for this family: the kernel has WireGuard for both or for none. */
  links: (link: string) => boolean;
}

export const IPV4: Family = {
  version: 4,
  before: '',
  bits: 32,
  overhead: 60,
  ip: 'ip',
  iptables: 'iptables',
  fields: {
    enabled: 'wireguardEnabled',
    interface: 'wireguardInterfaceName',
    port: 'wireguardListeningPort',
    mtu: 'wireguardMTU',
  },
  defaults: { interface: 'wireguard.cali', port: 51820 },
  annotation: 'projectcalico.org/WireguardPublicKey',
  host: (address) => address,
  links: () => true,
};

export const IPV6: Family = {
  version: 6,
  before: 'IPv6 ',
  bits: 128,
  overhead: 80,
  ip: 'ip -6',
  iptables: 'ip6tables',
  fields: {
    enabled: 'wireguardEnabledV6',
    interface: 'wireguardInterfaceNameV6',
    port: 'wireguardListeningPortV6',
    mtu: 'wireguardMTUV6',
  },
  defaults: { interface: 'wg-v6.cali', port: 51821 },
  annotation: 'projectcalico.org/WireguardPublicKeyV6',
  host: (address) => `[${address}]`,
  links: (link) => link !== 'kernel',
};
