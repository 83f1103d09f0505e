import { closeSync, constants, openSync } from 'node:fs';
import type { Fix } from '../../../machine/check.ts';

const DEVICE = '/dev/net/tun';
const LOAD = ['modprobe', 'tun'];
/** As udev has it on most systems: the kernel asks for CAP_NET_ADMIN all the same. */
const OPEN_TO_ALL = ['chmod', '666', DEVICE];

/** Why wireguard-go could not have a device, and what makes it possible; undefined where it can. Makes no device. */
export function tunProblem(): { why: string; fix: Fix } | undefined {
  try {
    closeSync(openSync(DEVICE, constants.O_RDWR | constants.O_NONBLOCK));
    return undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EACCES' || code === 'EPERM')
      return { why: `${DEVICE} may not be opened`, fix: { commands: [OPEN_TO_ALL] } };
    if (code === 'ENOENT') return { why: `there is no ${DEVICE}`, fix: { commands: [LOAD, OPEN_TO_ALL] } };
    return { why: `${DEVICE} cannot be opened (${String(code)})`, fix: { commands: [LOAD] } };
  }
}
