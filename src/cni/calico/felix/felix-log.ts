import type { Readable } from 'node:stream';
import { ContainerLog } from '../../../kube-api/container-log.ts';
import type { LogOptions } from '../../../kube-api/runtime.ts';
import { type FelixEvent, info } from '../dataplane/felix-events.ts';
import type { FelixSpec } from '../dataplane/felix-settings.ts';

/** The log of Felix on one node, in the form of Calico's own: time, level, process, place, message, fields. */
export class FelixLog {
  #log = new ContainerLog();

  constructor() {
    this.#starting();
  }

  read(options: LogOptions): Readable {
    return this.#log.read(options);
  }

  /** Its pod is another one now, whose log is empty. */
  renew(): void {
    this.#log.end();
    this.#log = new ContainerLog();
    this.#starting();
  }

  did(events: readonly FelixEvent[]): void {
    for (const event of events) this.#log.write('stdout', Buffer.from(`${felixLine(event, new Date())}\n`));
  }

  /** A FelixConfiguration that counts on this node was written, or is gone: then it has no spec. */
  configured(name: string, spec: FelixSpec | undefined): void {
    const wireguard = Object.entries(spec ?? {}).filter(([field]) => /^wireguard|^vxlan/.test(field));
    const fields = Object.fromEntries(wireguard.map(([field, value]) => [field, String(value)]));
    const what = spec === undefined ? 'deleted' : 'changed';
    const message = `Felix configuration ${what}: reading all of it again`;
    this.did([info('daemon.go 1437', message, { felixConfiguration: name, ...fields })]);
  }

  newKey(ifaceName: string, publicKey: string): void {
    this.did([info('wireguard.go 1292', 'Set new private key on WireGuard device', { ifaceName, publicKey })]);
  }

  published(publicKey: string | undefined): void {
    const message = publicKey === undefined ? 'Withdrew WireGuard public key' : 'Published WireGuard public key';
    this.did([info('daemon.go 1317', message, publicKey === undefined ? {} : { publicKey })]);
  }

  firewall(): void {
    this.did([info('static.go 210', 'Updated iptables chains', { tables: 'raw,filter,nat' })]);
  }

  noFirewall(error: string): void {
    const message = 'No iptables on this node: its chains are left out';
    this.did([{ level: 'WARNING', source: 'static.go 210', message, fields: { error } }]);
  }

  failed(error: string): void {
    const isWireguard = /wireguard|\bwg\b/i.test(error);
    this.did([
      {
        level: 'ERROR',
        source: isWireguard ? 'wireguard.go 873' : 'vxlan_mgr.go 351',
        message: isWireguard ? 'Failed to configure WireGuard' : 'Failed to configure the dataplane',
        fields: { error },
      },
    ]);
  }

  #starting(): void {
    this.did([info('daemon.go 82', 'Felix starting up')]);
  }
}

/** `2026-01-31 12:00:00.123 [INFO][67] felix/wireguard.go 1417: Created WireGuard device ifaceName="wireguard.cali"`. */
export function felixLine({ level, source, message, fields }: FelixEvent, at: Date): string {
  const time = at.toISOString().replace('T', ' ').replace('Z', '');
  const rest = Object.entries(fields).map(
    ([name, value]) => ` ${name}=${typeof value === 'number' ? value : JSON.stringify(value)}`,
  );
  return `${time} [${level}][${process.pid}] felix/${source}: ${message}${rest.join('')}`;
}
