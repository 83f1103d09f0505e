import { CommanderError } from 'commander';
import { ExitCode } from '../errors.ts';
import { isTerminal } from '../process/terminal.ts';
import { surviveLostTerminal } from './lost-terminal.ts';
import { standardError, standardOutput } from './output.ts';
import { buildProgram } from './program.ts';
import { crash, reportError } from './report-error.ts';

/** After node and the script. */
const FIRST_ARGUMENT = 2;

/** Node's own exit status if it waits for something that can no longer happen. */
const UNSETTLED = 13;

/** Runs wglab with its arguments; returns the exit status. */
async function main(argv: readonly string[]): Promise<number> {
  let status: number = ExitCode.done;
  try {
    const program = buildProgram((code) => {
      status = code;
    });
    if (argv.length > FIRST_ARGUMENT) await program.parseAsync([...argv]);
    else if (isTerminal(process.stdout)) await program.parseAsync([...argv, 'start']);
    else program.outputHelp();
    return status;
  } catch (error) {
    // --help and --version end here too.
    if (error instanceof CommanderError && error.exitCode === 0) return ExitCode.done;
    return reportError(error);
  }
}

surviveLostTerminal();
process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);
process.on('exit', (status) => {
  if (status === UNSETTLED)
    process.exitCode = reportError(new Error('nothing is left to do, and yet the command is not done'));
});

let status = await main(process.argv);
// A pipe may not have taken all of it yet, and what it has not would be lost.
await Promise.all([standardOutput.flush(), standardError.flush()]);
const { failure } = standardOutput;
// The file holds less than a status of 0, 1 or 3 would promise.
if (failure && status < ExitCode.lacking) status = reportError(failure);
process.exit(status);
