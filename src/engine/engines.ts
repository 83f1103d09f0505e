import { ENGINE_NAMES, type EngineName } from '../state/engine-name.ts';
import type { Engine } from './engine.ts';

/** Returns the engine of that name. It is loaded only now: each is a large part of wglab. */
export async function engineOf(name: EngineName): Promise<Engine> {
  if (name === 'embedded') return (await import('./embedded/embedded-engine.ts')).embeddedEngine;
  if (name === 'containerlab') return (await import('./containerlab/containerlab-engine.ts')).containerlabEngine;
  return (await import('./kubernetes/kubernetes-engine.ts')).kubernetesEngine;
}

/** Returns all engines. */
export function allEngines(): Promise<Engine[]> {
  return Promise.all(ENGINE_NAMES.map(engineOf));
}
