import { docker } from '../docker.ts';
import { nameHere } from '../images.ts';
import { kernelHas } from './containerlab.ts';

/** A Docker that works answers in 20 ms, a registry in a second: who waits longer is better off with the other engine. */
const DOCKER_MS = 2_000;
const REGISTRY_MS = 5_000;

/** Returns what speaks against containerlab if it and Docker are installed, in words; undefined if nothing does. */
export async function whyNotContainerlab(image: string | undefined): Promise<string | undefined> {
  const answers = await docker(['version', '--format', '{{.Server.Version}}'], { timeoutMs: DOCKER_MS }).then(
    () => true,
    () => false, // why is doctor's to say
  );
  if (!answers) return 'Docker does not answer';
  if ((await kernelHas('wireguard')) === undefined)
    return 'the kernel has no WireGuard, so its nodes could not encrypt';
  if (image === undefined || (await nameHere(image)) !== undefined) return undefined;
  const known = await docker(['manifest', 'inspect', image], { timeoutMs: REGISTRY_MS }).then(
    () => true,
    () => false, // deploy --engine containerlab tells what the registry says
  );
  return known ? undefined : 'the node image is not here, and its registry does not answer';
}
