import { checkStep } from '../check.ts';
import { endBackground, runBlock, runStep, undoStep } from '../run.ts';
import type { Session } from '../session.ts';
import { openShell } from '../shell.ts';
import { deployedAt, encryptionState, watchLab } from './lab-watch.ts';
import type { Tools } from './tools.ts';

/** Returns the screen's tools, which use the runner of steps and the session's lab. */
export function toolsOf(session: Session, signal: AbortSignal): Tools {
  const { lab } = session;
  return {
    async run(step, { block, command, output, ended }, stop) {
      const { blocks } = await runStep(session, step, { block, command, output }, stop);
      // A background block that ended with its step did not fail.
      for (const run of blocks) ended(run.block, run.status ?? 0);
    },
    async runBlock(block, { command, output }, stop) {
      if (block.kind !== 'commands') return 0;
      const { status } = await runBlock(session, block, { command, output }, stop);
      return status ?? 0;
    },
    async endBackground() {
      await endBackground(session);
    },
    check: (step, stop) => checkStep(session, step, stop),
    undo: (step, stop) => undoStep(session, step, stop),
    encryption: () => encryptionState(lab),
    watch: (show, stop) => watchLab(lab, show, stop),
    deployed: () => deployedAt(lab),
    async shell() {
      process.stdout.write(`A shell on the lab "${lab}". "exit" leads back to the workshop.\n`);
      await openShell(session, signal);
    },
  };
}
