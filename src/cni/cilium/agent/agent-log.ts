import type { Readable } from 'node:stream';
import { ContainerLog } from '../../../kube-api/container-log.ts';
import type { LogOptions } from '../../../kube-api/runtime.ts';

/** The log of one agent, in the form of Cilium's own: time, level, message and fields. */
export class AgentLog {
  #log = new ContainerLog();

  read(options: LogOptions): Readable {
    return this.#log.read(options);
  }

  /** The agent starts again: its log is empty. */
  renew(): void {
    this.#log.end();
    this.#log = new ContainerLog();
  }

  write(
    level: 'info' | 'warn' | 'error' | 'fatal',
    message: string,
    fields: Record<string, string | number> = {},
  ): void {
    const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${quoted(String(value))}`);
    const line = `time=${new Date().toISOString()} level=${level} msg=${quoted(message)}${rest.join('')}\n`;
    this.#log.write('stdout', Buffer.from(line));
  }
}

function quoted(text: string): string {
  return /^[\w./:+=-]+$/.test(text) ? text : JSON.stringify(text);
}
