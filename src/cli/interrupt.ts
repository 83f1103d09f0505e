import { ExitCode, Failure, INTERRUPTED_NOTE } from '../errors.ts';
import { type Loss, standardError, standardOutput } from './output.ts';

/** How long cleaning up may take, in ms: destroying a lab needs less than one second on a machine of today. */
const CLEAN_UP_MS = 40_000;

/**
 * Returns a signal that is aborted at the first Ctrl-C (or SIGTERM, or when the terminal is closed): everything is to stop and clean
 * up. A second Ctrl-C ends the program now. The exit status says that it was interrupted, whatever the command returns.
 */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const { signal } = controller;
  const interrupt = () => {
    if (signal.aborted) return;
    standardError.write(`\n${INTERRUPTED_NOTE}\n`);
    process.on('exit', () => {
      process.exitCode = ExitCode.interrupted;
    });
    setTimeout(() => stopNow(`not cleaned up within ${CLEAN_UP_MS / 1000} s`), CLEAN_UP_MS).unref();
    controller.abort(new Failure(ExitCode.interrupted, 'interrupted'));
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => (signal.aborted ? stopNow('stopped at once') : interrupt()));
  }
  // The kernel and the shell may each send one for the same closed terminal, and writing to it fails as well: that is one interruption.
  process.on('SIGHUP', interrupt);
  const lost = (loss: Loss) => {
    if (loss === 'terminal') interrupt();
    else if (loss === 'storage' && !signal.aborted) controller.abort(standardOutput.failure ?? standardError.failure);
  };
  standardOutput.onLoss(lost);
  standardError.onLoss(lost);
  return signal;
}

function stopNow(why: string): void {
  standardError.write(`${why}: what was begun may be left; "wglab destroy" removes it\n`);
  process.exit(ExitCode.interrupted);
}
