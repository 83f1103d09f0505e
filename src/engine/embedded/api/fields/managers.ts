import type { KubeObject } from '../../store.ts';
import type { Call } from '../context.ts';

export function trackUpdate(_before: KubeObject | undefined, _after: KubeObject, _call: Call): void {}
