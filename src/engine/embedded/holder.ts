import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { labFailure } from '../../errors.ts';
import { holderEnvironment } from './holder-environment.ts';
import { LAB_VARIABLE, markOf } from './holder-processes.ts';
import type { EngineMessage, EngineOrder } from './messages.ts';
import { HAND_DOWN } from './pod/confinement.ts';

/**
 * The holder is the process tree that a lab is: `unshare` with namespaces of its own, in them an init, in that the engine.
 * When its first process ends, the kernel ends all the others and takes their interfaces away.
 */

/** How long the engine may take from one step to the next, in ms: 50 nodes on two cores take 10 s in all. */
const STEP_MS = 60_000;

/**
 * An init that starts the engine and collects the children that others leave behind, until the engine ends. Before, a tmpfs
 * over /run that only the lab sees.
 */
const INIT = 'mount -t tmpfs -o mode=755,nosuid,nodev tmpfs /run && { "$@" & wait $!; }';

export interface HolderPlan {
  labFolder: string;
  logFile: string;
  /** Asked for once the engine wakes up: what it takes is done meanwhile. */
  order: () => Promise<EngineOrder>;
  /** The API's port on 127.0.0.1; 0 lets the kernel choose. */
  port: number;
  /** Hears of each step. */
  progress: (step: string) => void;
  signal: AbortSignal;
}

export interface Holder {
  /** The port of the API, which answers on 127.0.0.1. */
  port: number;
  /** Resolves once all of the lab is running; rejects with Failure 5 and the engine's last lines if it ends before. */
  ready: Promise<void>;
}

/**
 * Starts a lab's holder and sends it its orders; resolves once its API answers. Throws Failure 5 with the engine's last words
 * where it ends before.
 */
export async function startHolder(plan: HolderPlan): Promise<Holder> {
  const { labFolder, logFile, signal } = plan;
  signal.throwIfAborted();
  const listening = await listenOnLoopback(plan.port);
  const { port: bound } = listening.address() as AddressInfo;
  const log = openSync(logFile, 'a', 0o600);
  const mark = markOf(labFolder);
  const child = spawn('unshare', holderArguments(mark), {
    stdio: ['ignore', log, log, 'ipc'],
    detached: true,
    env: { ...holderEnvironment(process.env), [LAB_VARIABLE]: mark },
  });
  closeSync(log);
  const abort = () => child.kill('SIGKILL');
  signal.addEventListener('abort', abort, { once: true });
  let serves: () => void = () => undefined;
  const serving = new Promise<void>((resolve) => {
    serves = resolve;
  });
  const ready = untilReady(child, listening, plan, serves)
    .catch((error) => {
      child.kill('SIGKILL');
      throw signal.aborted ? signal.reason : error;
    })
    .finally(() => {
      signal.removeEventListener('abort', abort);
      if (listening.listening) listening.close();
      if (child.connected) child.disconnect();
      child.unref();
    });
  await Promise.race([serving, ready]);
  ready.catch(() => undefined); // whoever started the holder hears of it, if not at once
  return { port: bound, ready };
}

function holderArguments(mark: string): string[] {
  const engine = fileURLToPath(new URL('./embedded-engine.js', import.meta.url));
  // Not --map-root-user: as user 0 of a one-user namespace tcpdump wants to drop its privileges and cannot.
  const isRoot = process.getuid?.() === 0;
  const user = isRoot ? [] : ['--user', '--map-current-user', '--keep-caps'];
  return [
    ...[...user, '--net', '--mount', '--pid', '--ipc', '--fork', '--mount-proc', '--kill-child'],
    ...['--propagation', 'private', ...(isRoot ? ['setpriv', ...HAND_DOWN] : []), 'sh', '-c', INIT, 'wglab-init'],
    // Without options to V8, of which each costs 17 ms: Node then cannot use what was compiled of it beforehand.
    ...[process.execPath, engine, mark],
  ];
}

/** The API's socket is bound out here, on the host's loopback: the engine itself lives where there is no such address. */
function listenOnLoopback(port: number): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.on('error', (error) => reject(labFailure(`cannot listen on 127.0.0.1:${port}: ${error.message}`)));
    server.listen({ host: '127.0.0.1', port }, () => resolve(server));
  });
}

function untilReady(
  child: ChildProcess,
  listening: Server,
  { order, progress, logFile }: HolderPlan,
  serving: () => void,
): Promise<void> {
  const began = statSync(logFile).size;
  let last = 'nothing';
  let timer: NodeJS.Timeout | undefined;
  return new Promise<void>((resolve, reject) => {
    const late = () =>
      reject(labFailure(`the embedded engine made no progress for ${STEP_MS / 1000} s; last seen: ${last}`));
    timer = setTimeout(late, STEP_MS);
    const orders = order();
    orders.catch(reject);
    child.on('error', (error) => reject(labFailure(`cannot start unshare: ${error.message}`)));
    child.on('exit', (code, signal) => {
      const detail = readFileSync(logFile, 'utf8').slice(began).trim();
      reject(
        labFailure(`the embedded engine ended (${signal ?? `exit status ${code}`})`, {
          detail,
          remedy: 'wglab doctor',
        }),
      );
    });
    child.on('message', (message: EngineMessage) => {
      timer?.refresh();
      if (message.kind === 'awake') {
        // If it has ended meanwhile, its end is the error that is reported.
        orders.then((text) => child.connected && child.send(text, listening, () => undefined)).catch(reject);
      } else if (message.kind === 'serving') {
        listening.close(); // or this process would take connections that are meant for the engine
        serving();
      } else if (message.kind === 'step') {
        last = message.text;
        progress(message.text);
      } else if (message.kind === 'ready') resolve();
      else reject(labFailure(message.text, message.detail === undefined ? {} : { detail: message.detail }));
    });
  }).finally(() => clearTimeout(timer));
}
