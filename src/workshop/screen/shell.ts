import { spawn } from 'node:child_process';
import { lackingFailure } from '../../errors.ts';

/**
 * A shell for a person on this terminal, with a lab's environment, until the person leaves it; gives its exit status.
 * Throws a lacking failure where there is no such shell.
 */
export function shellOn(environment: NodeJS.ProcessEnv, folder: string): Promise<number> {
  const program = environment.SHELL || 'bash';
  // Its Ctrl-C is the shell's: it stops what runs there, and not the workshop.
  const ignore = () => undefined;
  process.on('SIGINT', ignore);
  return new Promise<number>((resolve, reject) => {
    const child = spawn(program, { stdio: 'inherit', env: environment, cwd: folder });
    child.on('error', (cause) =>
      reject(lackingFailure(`cannot run ${program}`, { remedy: 'Set SHELL to a shell that is there.', cause })),
    );
    child.on('close', (status, signal) => resolve(status ?? (signal ? 1 : 0)));
  }).finally(() => process.off('SIGINT', ignore));
}
