import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { labFailure } from '../../errors.ts';
import type { EngineMessage, EngineOrder } from './messages.ts';

/**
 * The holder is the process tree that a lab is: `unshare` with namespaces of its own, in them an init, in that the engine.
 * When its first process ends, the kernel ends all the others and takes their interfaces away.
 */

/** The engine's first argument: what `findHolder` looks for in /proc, so that no file has to be right for destroy to work. */
const LAB_ARGUMENT = '--wglab-lab=';

/** An init that starts the engine and collects the children that others leave behind, until the engine ends. */
const INIT = '"$@" & wait $!';

/**
 * Starts a lab's holder and sends it its orders; gives the API's port on 127.0.0.1 once the engine says that it is ready.
 * `port` 0 lets the kernel choose. `progress` hears of each step. Throws Failure 5 with the engine's last words where it ends before.
 */
export async function startHolder(
  labFolder: string,
  logFile: string,
  order: EngineOrder,
  port: number,
  progress: (step: string) => void,
  signal: AbortSignal,
): Promise<number> {
  const listening = await listenOnLoopback(port);
  const { port: bound } = listening.address() as AddressInfo;
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn('unshare', holderArguments(labFolder), { stdio: ['ignore', log, log, 'ipc'], detached: true });
  closeSync(log);
  const abort = () => child.kill('SIGKILL');
  signal.addEventListener('abort', abort, { once: true });
  try {
    await untilReady(child, order, listening, progress, logFile);
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

function holderArguments(labFolder: string): string[] {
  const engine = fileURLToPath(new URL('./embedded-engine.js', import.meta.url));
  // Not --map-root-user: as user 0 of a one-user namespace tcpdump wants to drop its privileges and cannot.
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-current-user', '--keep-caps'];
  return [
    ...[...user, '--net', '--mount', '--pid', '--ipc', '--fork', '--mount-proc', '--kill-child'],
    ...['--propagation', 'private', 'sh', '-c', INIT, 'wglab-init'],
    // A small heap collected often: a lab stands for hours and the engine has little to remember.
    ...[process.execPath, '--max-semi-space-size=2', '--optimize-for-size', engine, `${LAB_ARGUMENT}${labFolder}`],
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
  order: EngineOrder,
  listening: Server,
  progress: (step: string) => void,
  logFile: string,
): Promise<void> {
  const began = statSync(logFile).size;
  return new Promise((resolve, reject) => {
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
      if (message.kind === 'awake') child.send(order, listening);
      else if (message.kind === 'step') progress(message.text);
      else if (message.kind === 'ready') resolve();
      else reject(labFailure(message.text, message.detail === undefined ? {} : { detail: message.detail }));
    });
  });
}

/** The processes that carry a lab's mark: `unshare`, the init and the engine. Only the caller's own count. */
export function findHolder(labFolder: string): number[] {
  const mark = `${LAB_ARGUMENT}${labFolder}`;
  const user = process.getuid?.();
  return processIds().filter((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return words.includes(mark) && statSync(`/proc/${pid}`).uid === user;
    } catch {
      return false; // it ended while we looked
    }
  });
}

/** Whether the lab's engine runs. */
export function holderStands(labFolder: string): boolean {
  return findHolder(labFolder).length > 0;
}

/**
 * Ends a lab's holder and waits until no process of its PID namespace is left, for 10 s at most.
 * Gives how many processes it found; throws Failure 5 naming those that stay.
 */
export async function endHolder(labFolder: string): Promise<number> {
  const holders = findHolder(labFolder);
  const namespaces = new Set(holders.flatMap((pid) => pidNamespace(pid) ?? []));
  namespaces.delete(pidNamespace(process.pid) ?? '');
  for (const pid of holders) end(pid);
  const deadline = Date.now() + 10_000;
  for (;;) {
    const left = processIds().filter((pid) => namespaces.has(pidNamespace(pid) ?? ''));
    if (left.length === 0 && findHolder(labFolder).length === 0) return holders.length;
    if (Date.now() > deadline) {
      throw labFailure(`processes of the lab did not end within 10 s: ${left.join(', ')}`, {
        remedy: `kill -9 ${left.join(' ')}`,
      });
    }
    for (const pid of left) end(pid);
    await delay(5); // the kernel tells nobody when a namespace is empty: look again
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function processIds(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function pidNamespace(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined; // ended, or not ours to look at
  }
}
