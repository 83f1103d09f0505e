import type { EngineName } from '../state/engine-name.ts';

/** One thing that an engine needs of the machine, and what is there of it. Part of `doctor -o json`. */
export interface Check {
  name: string;
  /** `warning`: the engine runs all the same. */
  ok: boolean | 'warning';
  seen: string;
  needed: string;
  /** The exact command, or words where there is none. Only where something is wrong. */
  remedy?: string;
  /** The fix that `doctor --fix` applies. */
  fix?: Fix;
}

/** Debian's and Ubuntu's packages to install, or commands that want root, without `sudo`, and in words what they do. */
export type Fix = { packages: string[] } | { commands: string[][]; says?: string };

/** Whether an engine can run on this machine, and why not. */
export interface EngineReport {
  engine: EngineName;
  ok: boolean;
  /** The implementation of WireGuard that a lab would use here; null if there is none, or if the nodes are elsewhere. */
  dataplane: 'kernel' | 'userspace' | null;
  checks: Check[];
  /** In one line, instead of checks, what a look by the way has found. */
  summary?: string;
}
