import { Command } from 'commander';
import { VERSION } from '../version.ts';
import type { Action, Define, Run } from './command.ts';
import { audit } from './commands/audit/command.ts';
import { breakLab } from './commands/break/command.ts';
import { capture } from './commands/capture/command.ts';
import { completion } from './commands/completion/command.ts';
import { deploy } from './commands/deploy/command.ts';
import { destroy } from './commands/destroy/command.ts';
import { diagnose } from './commands/diagnose/command.ts';
import { doctor } from './commands/doctor/command.ts';
import { encrypt } from './commands/encrypt/command.ts';
import { exec } from './commands/exec/command.ts';
import { explain } from './commands/explain/command.ts';
import { labs } from './commands/labs/command.ts';
import { pull } from './commands/pull/command.ts';
import { report } from './commands/report/command.ts';
import { smoke } from './commands/smoke/command.ts';
import { start } from './commands/start/command.ts';
import { status } from './commands/status/command.ts';
import { verify } from './commands/verify/command.ts';
import { version } from './commands/version/command.ts';
import { workshop } from './commands/workshop/command.ts';
import type { GlobalOptions } from './context.ts';
import { standardError, standardOutput } from './output.ts';

/** All commands, in the groups and the order in which help lists them. */
const COMMANDS: Readonly<Record<string, readonly Define[]>> = {
  'Learn:': [labs, workshop],
  'Run a lab:': [deploy, status, encrypt, exec, destroy, pull],
  'Look at the wire:': [capture, explain],
  'Prove:': [verify, audit, report, smoke],
  'Find what is wrong:': [doctor, diagnose, breakLab],
  'More:': [completion, version],
};

const EXIT_CODES = `
Exit codes:
  0  done, or the claim holds        3  inconclusive: it cannot be known
  1  the claim fails                 4  this machine or cluster lacks something
  2  wrong usage or input file       5  the lab itself failed, or a bug in wglab
                                   130  interrupted`;

const EXAMPLES = `
Examples:
  wglab smoke                      everything once: deploy, prove, encrypt, prove, destroy
  wglab deploy                     run the lab
  wglab verify --expect plaintext  is the traffic between the nodes readable?
  wglab encrypt on                 turn WireGuard on, on every node
  wglab verify --expect encrypted  and now?
  wglab destroy                    leave nothing behind`;

/** Builds the command line. `setExitCode` gets the exit status of the command that runs. */
export function buildProgram(setExitCode: (code: number) => void): Command {
  const program = new Command('wglab')
    .description('Shows, and proves, what a Kubernetes network does with your data on the wire.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .commandsGroup('More:')
    .helpCommand('help [command]', 'show help for a command')
    .option('-q, --quiet', 'print nothing but data and errors')
    .showHelpAfterError('(--help shows what there is)')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', `${EXAMPLES}\n${EXIT_CODES}`)
    .configureOutput({
      writeOut: (text) => standardOutput.write(text),
      writeErr: (text) => standardError.write(text),
    })
    .exitOverride();

  const run: Run =
    <A extends unknown[]>(load: () => Promise<Action<A>>) =>
    async (...args: unknown[]) => {
      const [{ createContext }, action] = await Promise.all([import('./context.ts'), load()]);
      const context = createContext(program.opts<GlobalOptions>());
      try {
        // Commander adds the command itself as the last argument.
        setExitCode((await action(context, ...(args.slice(0, -1) as A))) ?? 0);
      } catch (error) {
        // Anything may break off when it is interrupted: the interruption is the reason.
        throw context.signal.aborted ? context.signal.reason : error;
      }
    };

  for (const [group, commands] of Object.entries(COMMANDS)) {
    for (const define of commands) program.addCommand(inherited(define(run), program).helpGroup(group));
  }
  program.addCommand(inherited(start(run), program), { hidden: true });
  return program;
}

/** Returns a command, with those below it, that reports errors and writes as the program does. */
function inherited(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const below of command.commands) inherited(below, command);
  return command;
}
