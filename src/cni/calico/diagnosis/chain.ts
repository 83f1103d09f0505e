import { type Family, IPV4 } from '../families.ts';
import * as deviceLinks from './device-links.ts';
import { CHAIN, type Finding, type Judge, type Link, type NodeFindings } from './facts.ts';
import * as pathLinks from './path-links.ts';

const LINKS: { [link in Link]: Judge } = {
  kernel: deviceLinks.kernel,
  'felix configuration': deviceLinks.felixConfiguration,
  device: deviceLinks.device,
  port: deviceLinks.port,
  address: deviceLinks.address,
  'public key': deviceLinks.publicKey,
  peers: deviceLinks.peers,
  firewall: pathLinks.firewall,
  handshakes: pathLinks.handshakes,
  forwarding: pathLinks.forwarding,
  rule: pathLinks.rule,
  mark: pathLinks.mark,
  routes: pathLinks.routes,
  mtu: pathLinks.mtu,
  tunnel: pathLinks.tunnel,
  traffic: pathLinks.traffic,
};

/** Links that can be judged of a node which could not be asked. */
const PUBLISHED: readonly Link[] = ['felix configuration'];

/** Walks the chain of one family on every node, link by link: the first that is broken anywhere is the one to fix. */
export function diagnose(nodes: readonly NodeFindings[], family: Family = IPV4): Finding[] {
  return CHAIN.filter((link) => family.links(link)).flatMap((link) => {
    const asked = nodes.filter(({ unprobed }) => unprobed === undefined || PUBLISHED.includes(link));
    const check = `${family.before}${link}` as const;
    return asked.map((node) => ({ check, node: node.name, ...LINKS[link](node, nodes, family) }));
  });
}

/** Returns the broken link that explains the others, or undefined if no link is broken. */
export function brokenLink(findings: readonly Finding[]): Finding | undefined {
  return findings.find(({ ok }) => ok === false);
}

/** Returns the first link that could not be tried, or undefined if all could. */
export function untriedLink(findings: readonly Finding[]): Finding | undefined {
  return findings.find(({ ok }) => ok === null);
}
