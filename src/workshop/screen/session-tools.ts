import { checkStep } from '../check.ts';
import { endBackground, runBlock, runStep, undoStep } from '../run.ts';
import type { Session } from '../session.ts';
import { deployedAt, encryptionState, watchLab } from './lab-watch.ts';
import { shellOn } from './shell.ts';
import type { Tools } from './tools.ts';

/** What the screen has done, by the runner of steps and the lab of a session. */
export function toolsOf(session: Session): Tools {
  const { lab } = session;
  return {
    async run(step, { block, output, ended }, signal) {
      const { blocks } = await runStep(session, step, { block, output }, signal);
      // One in the background that ended with its step did nothing wrong.
      for (const run of blocks) ended(run.block, run.status ?? 0);
    },
    async runBlock(block, { output }, signal) {
      if (block.kind !== 'commands') return 0;
      const { status } = await runBlock(session, block, { output }, signal);
      return status ?? 0;
    },
    async endBackground() {
      await endBackground(session);
    },
    check: (step, signal) => checkStep(session, step, signal),
    undo: (step, signal) => undoStep(session, step, signal),
    encryption: () => encryptionState(lab),
    watch: (show, signal) => watchLab(lab, show, signal),
    deployed: () => deployedAt(lab),
    async shell() {
      process.stdout.write(
        `A shell on the lab "${lab}": kubectl and wglab mean this lab here. exit leads back to the workshop.\n`,
      );
      await shellOn(session.environment, session.notebook);
    },
  };
}
