import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { labFailure } from '../../errors.ts';
import { LAB_VARIABLE, markOf } from './holder-processes.ts';
import type { EngineMessage, EngineOrder } from './messages.ts';

/**
 * The holder is the process tree that a lab is: `unshare` with namespaces of its own, in them an init, in that the engine.
 * When its first process ends, the kernel ends all the others and takes their interfaces away.
 */

/** How long the engine may take from one step to the next, in ms: 50 nodes on two cores take 10 s in all. */
const STEP_MS = 60_000;

/** An init that starts the engine and collects the children that others leave behind, until the engine ends. */
const INIT = '"$@" & wait $!';

export interface HolderPlan {
  labFolder: string;
  logFile: string;
  /** May still be in the making: the engine wakes up meanwhile. */
  order: Promise<EngineOrder>;
  /** Of the API, on 127.0.0.1; 0 lets the kernel choose. */
  port: number;
  /** Hears of each step. */
  progress: (step: string) => void;
  signal: AbortSignal;
}

/**
 * Starts a lab's holder and sends it its orders; gives the API's port on 127.0.0.1 once the engine says that it is ready.
 * Throws Failure 5 with the engine's last words where it ends before.
 */
export async function startHolder(plan: HolderPlan): Promise<number> {
  const { labFolder, logFile, signal } = plan;
  plan.order.catch(() => undefined); // heard below, once there is somebody to tell
  signal.throwIfAborted();
  const listening = await listenOnLoopback(plan.port);
  const { port: bound } = listening.address() as AddressInfo;
  const log = openSync(logFile, 'a', 0o600);
  const mark = markOf(labFolder);
  const child = spawn('unshare', holderArguments(mark), {
    stdio: ['ignore', log, log, 'ipc'],
    detached: true,
    env: { ...process.env, [LAB_VARIABLE]: mark },
  });
  closeSync(log);
  const abort = () => child.kill('SIGKILL');
  signal.addEventListener('abort', abort, { once: true });
  try {
    await untilReady(child, listening, plan);
    return bound;
  } catch (error) {
    child.kill('SIGKILL');
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', abort);
    listening.close();
    if (child.connected) child.disconnect();
    child.unref();
  }
}

function holderArguments(mark: string): string[] {
  const engine = fileURLToPath(new URL('./embedded-engine.js', import.meta.url));
  // Not --map-root-user: as user 0 of a one-user namespace tcpdump wants to drop its privileges and cannot.
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-current-user', '--keep-caps'];
  return [
    ...[...user, '--net', '--mount', '--pid', '--ipc', '--fork', '--mount-proc', '--kill-child'],
    ...['--propagation', 'private', 'sh', '-c', INIT, 'wglab-init'],
    // A small heap collected often: a lab stands for hours and the engine has little to remember.
    ...[process.execPath, '--max-semi-space-size=2', '--optimize-for-size', engine, mark],
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

function untilReady(child: ChildProcess, listening: Server, { order, progress, logFile }: HolderPlan): Promise<void> {
  const began = statSync(logFile).size;
  let last = 'nothing';
  let timer: NodeJS.Timeout | undefined;
  return new Promise<void>((resolve, reject) => {
    const late = () =>
      reject(labFailure(`the embedded engine made no progress for ${STEP_MS / 1000} s; last seen: ${last}`));
    timer = setTimeout(late, STEP_MS);
    order.catch(reject);
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
        // Where it ended meanwhile, its end is what is told.
        order.then((orders) => child.connected && child.send(orders, listening, () => undefined)).catch(reject);
      } else if (message.kind === 'step') {
        last = message.text;
        progress(message.text);
      } else if (message.kind === 'ready') resolve();
      else reject(labFailure(message.text, message.detail === undefined ? {} : { detail: message.detail }));
    });
  }).finally(() => clearTimeout(timer));
}
