import { CommanderError } from 'commander';
import { ExitCode } from '../errors.ts';
import { buildProgram } from './program.ts';

/** After node and the script. */
const FIRST_ARGUMENT = 2;

/** Runs wglab with its arguments; the only place that decides the exit status. */
async function main(argv: readonly string[]): Promise<number> {
  let status: number = ExitCode.done;
  try {
    const program = buildProgram((code) => {
      status = code;
    });
    // Commander calls it an error that nothing was asked; to show what there is helps more.
    if (argv.length <= FIRST_ARGUMENT) program.outputHelp();
    else await program.parseAsync([...argv]);
    return status;
  } catch (error) {
    // --help and --version end here too; they need nothing of what tells of errors.
    if (error instanceof CommanderError && error.exitCode === 0) return ExitCode.done;
    return (await import('./report-error.ts')).reportError(error);
  }
}

// Output that is cut off by `| head` is no error of ours, and changes no verdict: the work goes on, and its status counts.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const status = await main(process.argv);
// A pipe may not have taken all of it yet, and what it has not would be lost.
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done))));
process.exit(status);
