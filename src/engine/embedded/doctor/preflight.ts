import { existsSync } from 'node:fs';
import { type Failure, lackingFailure } from '../../../errors.ts';
import type { Check } from '../../../machine/check.ts';
import { remedyOf } from '../../../machine/remedy.ts';
import { EMBEDDED_TOOLS, systemPath, WIREGUARD_GO } from '../../../machine/tools.ts';
import { toolCheck } from './embedded.ts';
import { type Namespaces, readSettings, tryNamespaces } from './namespaces.ts';
import { forbiddingSettings, type Refusal } from './refusal.ts';
import { tunProblem } from './tun.ts';

/**
 * Checks what a deployment on the embedded engine needs before it begins: about 1 ms for PATH and settings, with a
 * process only where something looks wrong. Puts the system's sbin folders on this process's PATH, where the engine looks
 * for tools. Throws one lacking failure that names all missing tools with their packages,
 * the one command that installs them, and the reason why namespaces are forbidden, with its remedy.
 */
export async function preflightEmbedded(): Promise<void> {
  process.env.PATH = systemPath();
  const tools = EMBEDDED_TOOLS.map(toolCheck).filter(({ ok }) => ok === false);
  const wireguard = wireguardLacks();
  const suspicious = wireguard.length > 0 || forbiddingSettings(readSettings(), isRoot()).length > 0;
  const tried: Namespaces | undefined = suspicious && tools.length === 0 ? await tryNamespaces() : undefined;
  const lacking = tried?.kernel?.get('wireguard') === true ? tools : [...tools, ...wireguard];
  if (lacking.length > 0 || tried?.refusal) throw lackingAll(lacking, tried?.refusal);
}

/**
 * After `unshare` failed: tries namespaces on their own, and gives the lacking failure that says why there are none, or
 * undefined where there are.
 */
export async function explainUnshareFailure(): Promise<Failure | undefined> {
  const { refusal } = await tryNamespaces();
  return refusal && lackingAll([], refusal);
}

/** wireguard-go and its device are needed where the kernel has no WireGuard, which a loaded module shows at once. */
function wireguardLacks(): Check[] {
  if (existsSync('/sys/module/wireguard')) return [];
  const go = toolCheck(WIREGUARD_GO);
  const tun = tunProblem();
  const needed = '/dev/net/tun, for wireguard-go';
  return [
    ...(go.ok === false ? [go] : []),
    ...(tun
      ? [{ name: '/dev/net/tun', needed, ok: false, seen: tun.why, remedy: remedyOf(tun.fix), fix: tun.fix }]
      : []),
  ];
}

function lackingAll(checks: readonly Check[], refusal: Refusal | undefined): Failure {
  const packages = checks.flatMap(({ fix }) => (fix && 'packages' in fix ? fix.packages : []));
  const others = checks.flatMap(({ fix, remedy }) => (fix && 'packages' in fix ? [] : (remedy ?? [])));
  const sentences = [
    ...(checks.length > 0 ? [`this machine lacks ${checks.map(nameAndOrigin).join(', ')}`] : []),
    ...(refusal ? [`this machine gives wglab no ${isRoot() ? 'namespaces' : 'user namespaces'}: ${refusal.why}`] : []),
  ];
  const remedies = [
    ...(packages.length > 0 ? [remedyOf({ packages })] : []),
    ...others,
    ...(refusal ? [refusal.remedy] : []),
  ];
  return lackingFailure(sentences.join('; '), { remedy: remedies.join(' && ') });
}

function nameAndOrigin({ name, seen, fix }: Check): string {
  const origin = fix && 'packages' in fix ? `package ${fix.packages.join(', ')}` : '';
  return `${name} (${[seen === 'not on PATH' ? '' : seen, origin].filter(Boolean).join('; ')})`;
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
