import { spawn } from 'node:child_process';
import { lackingFailure, messageOf } from '../errors.ts';
import type { Session } from './session.ts';

/**
 * Hands the terminal to a shell in the notebook, with the environment that the lab's commands have, until the person leaves it.
 * Returns its exit status.
 */
export function openShell(session: Session, signal: AbortSignal): Promise<number> {
  const program = process.env.SHELL || '/bin/sh';
  return new Promise((resolve, reject) => {
    const child = spawn(program, { cwd: session.notebook, env: session.environment, stdio: 'inherit' });
    // The terminal sends Ctrl-C to both processes; it is meant for what runs in the shell, which knows how to handle it.
    const hangUp = () => child.kill('SIGHUP');
    signal.addEventListener('abort', hangUp, { once: true });
    child.on('error', (cause) =>
      reject(
        lackingFailure(`${program} does not start: ${messageOf(cause)}`, { remedy: 'Set SHELL to a shell.', cause }),
      ),
    );
    child.on('exit', (code) => {
      signal.removeEventListener('abort', hangUp);
      resolve(code ?? 0);
    });
  });
}
