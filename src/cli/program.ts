import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { FAULT_NAMES } from '../operations/faults/names.ts';
import { VERSION } from '../version.ts';
import type { Context, GlobalOptions } from './context.ts';
import { standardError, standardOutput } from './output.ts';

/** What every command's action gets beside its own arguments. */
export type SetExitCode = (code: number) => void;

const EXIT_CODES = `
Exit codes:
  0  done, or the claim holds        3  inconclusive: it cannot be known
  1  the claim fails                 4  this machine or cluster lacks something
  2  wrong usage or input file       5  the lab itself failed
                                   130  interrupted`;

const EXAMPLES = `
Examples:
  wglab smoke                      everything once: deploy, prove, encrypt, prove, destroy
  wglab deploy                     bring the lab up
  wglab verify --expect plaintext  is the traffic between the nodes readable?
  wglab encrypt on                 turn WireGuard on, on every node
  wglab verify --expect encrypted  and now?
  wglab destroy                    leave nothing behind`;

const EXPLAIN_EXAMPLES = `
Without --pcap it captures one packet on the lab's wire, one that carries data where there is one.

Examples:
  wglab explain                                     what is on the wire now?
  wglab capture --node wireguard-worker -w now.pcap a file to look at again and again
  wglab explain --pcap now.pcap --packet handshake  who called whom, and with which key?
  wglab explain --pcap before.pcap --pcap after.pcap`;

/** The grammar of the command line. Each command's work is loaded only when it is called. */
export function buildProgram(setExitCode: SetExitCode): Command {
  const program = new Command('wglab')
    .description('Shows, and proves, what a Kubernetes network does with your data on the wire.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .option('-q, --quiet', 'no progress on standard error')
    .showHelpAfterError('(--help shows what there is)')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', `${EXAMPLES}\n${EXIT_CODES}`)
    .configureOutput({
      writeOut: (text) => standardOutput.write(text),
      writeErr: (text) => standardError.write(text),
    })
    .exitOverride();

  /** Gives a command its context and its result the exit status. */
  const run =
    <A extends unknown[]>(load: () => Promise<(context: Context, ...args: A) => Promise<number | undefined>>) =>
    async (...args: unknown[]) => {
      const [{ createContext }, action] = await Promise.all([import('./context.ts'), load()]);
      const context = createContext(program.opts<GlobalOptions>());
      try {
        setExitCode((await action(context, ...(args.slice(0, -1) as A))) ?? 0);
      } catch (error) {
        // Whatever broke off when it was interrupted, the interruption is the reason.
        throw context.signal.aborted ? context.signal.reason : error;
      }
    };

  /** For a person at a terminal. */
  const onScreen = (option: Option) => option.conflicts(['auto', 'shell']);
  const json = () => new Option('-o, --output <format>', 'machine-readable output').choices(['json']);
  const labOption = () => new Option('-l, --lab <name>', 'the lab, where more than one stands').env('WGLAB_LAB');
  const labArgument = () => new Argument('[lab]', 'the lab, where more than one stands');
  const engineOption = () =>
    new Option('--engine <name>', 'what makes the cluster')
      .choices(['auto', 'embedded', 'containerlab', 'kubernetes'])
      .default('auto')
      .env('WGLAB_ENGINE');

  program
    .command('doctor')
    .description('what this machine can run, and the remedy for each gap')
    .option('--fix', 'apply the remedies that can be applied')
    .addOption(new Option('--engine <name>', 'one engine only').choices(['embedded', 'containerlab', 'kubernetes']))
    .option('--kubeconfig <file>', "look closely at a cluster that is there already (default: kubectl's)")
    .option('--context <name>', 'which of its contexts (default: the current one)')
    .addOption(json())
    .action(run(async () => (await import('./doctor.ts')).doctorCommand));

  const labs = program
    .command('labs')
    .description('the labs there are, and which of them stand')
    .addOption(json())
    .action(run(async () => (await import('./labs.ts')).labsCommand));
  labs
    .command('lint')
    .description('look for mistakes in the files of labs that you write')
    .argument('<file...>', "labs' Markdown files")
    .addOption(json())
    .action(
      run(async () => {
        const { lintCommand } = await import('./lint.ts');
        // Commander gives `labs` what both know, wherever it stands.
        return (context: Context, files: string[]) => lintCommand(context, files, labs.opts());
      }),
    );

  program
    .command('workshop')
    .description('a lab step by step: what to type, what to look for, and a check of each step')
    .argument('[lab]', 'a lab by its name, or the path of its file', 'wireguard')
    .option('--auto', 'run all steps without a person, and print a transcript')
    .addOption(
      onScreen(new Option('--present', 'for a stage: any key types the next command, runs it, checks, goes on')),
    )
    .addOption(onScreen(new Option('--restart', 'begin anew: forget which steps are done, put the notebook aside')))
    .addOption(onScreen(new Option('--step <name>', 'begin at this step')))
    .option('--shell', 'open a shell in which the commands of the lab work as written')
    .addOption(engineOption())
    .addOption(json())
    .action(run(async () => (await import('./workshop.ts')).workshopCommand));

  program
    .command('deploy')
    .description('bring a lab up: cluster, Calico with VXLAN, workloads')
    .argument('[lab]', 'a lab by its name, or the path of its file', 'wireguard')
    .option('--name <name>', 'a name for this deployment, to have several of one lab')
    .option('--topology <file>', "another containerlab topology than the lab's")
    .option('--workers <count>', 'another number of workers', wholeNumber)
    .option('--keep', 'keep what stands when the deployment fails')
    .option('--timings', 'say where the time went: tools, cluster, wglab itself')
    .option('--node-image <image>', 'another image for the nodes (engine containerlab)')
    .option('--calico-version <version>', "another version of Calico than the lab's: v3.32.1")
    .option('--calico-manifests <folder>', "a folder with that release's operator-crds.yaml and tigera-operator.yaml")
    .option('--kubeconfig <file>', "a cluster that is there already (engine kubernetes; default: kubectl's)")
    .option('--context <name>', 'which of its contexts (default: the current one)')
    .option('--nodes <selector>', 'which of its nodes to probe, as for kubectl get nodes -l (default: all)')
    .option('--probe-image <image>', 'an image with tcpdump, wg, ip and bash that these nodes can pull')
    .option('--proof-image <image>', 'an image with sh and nc that these nodes can pull')
    .addOption(engineOption())
    .addOption(json())
    .action(run(async () => (await import('./deploy.ts')).deployCommand));

  program
    .command('pull')
    .description('fetch all images that a lab needs on a real cluster, before there is no network')
    .argument('[lab]', 'a lab by its name, or the path of its file', 'wireguard')
    .option('--save <file>', 'write them to a file, with the manifests of Calico')
    .addOption(new Option('--load <file>', 'read them from such a file instead').conflicts('save'))
    .option('--topology <file>', "another containerlab topology than the lab's")
    .option('--node-image <image>', 'another image for the nodes')
    .option('--calico-version <version>', "another version of Calico than the lab's: v3.32.1")
    .option('--calico-manifests <folder>', "a folder with that release's operator-crds.yaml and tigera-operator.yaml")
    .addOption(json())
    .action(run(async () => (await import('./pull.ts')).pullCommand));

  program
    .command('status')
    .description('nodes, pods, encryption, peers and handshakes')
    .addArgument(labArgument())
    .addOption(labOption())
    .addOption(json())
    .action(run(async () => (await import('./status.ts')).statusCommand));

  program
    .command('encrypt')
    .description("turn Calico's WireGuard on or off, and wait until every node has converged")
    .addArgument(new Argument('<what>', 'what to do').choices(['on', 'off', 'status']))
    .addArgument(labArgument())
    .addOption(labOption())
    .option('--no-heal', 'leave a calico-node that has got stuck as it is')
    .addOption(json())
    .action(run(async () => (await import('./encrypt.ts')).encryptCommand));

  program
    .command('diagnose')
    .description('why encryption is not in force: walks the chain from kernel to handshake and names the broken link')
    .addArgument(labArgument())
    .addOption(labOption())
    .addOption(json())
    .action(run(async () => (await import('./diagnose.ts')).diagnoseCommand));

  program
    .command('break')
    .description('put a fault into a lab, to be found with diagnose and the tools; without a fault, list what there is')
    .addArgument(new Argument('[fault]', 'which one').choices(FAULT_NAMES))
    .addOption(labOption())
    .option('-n, --node <name>', "on which node (default: the lab's last one)")
    .option('--random', 'any fault on any node, and do not tell which')
    .option('--undo', 'take all faults away again')
    .addOption(json())
    .action(run(async () => (await import('./break.ts')).breakCommand));

  program
    .command('capture')
    .description('watch the wire: one line a packet, secrets highlighted; or a file for Wireshark')
    .addOption(labOption())
    .option('-n, --node <name>', 'one node only (default: all)')
    .option('-g, --grep <regexp>', 'only packets that hold this, which is highlighted')
    .option('-c, --count <packets>', 'end after that many', wholeNumber)
    .option('-s, --seconds <seconds>', 'end after that time, whatever came', wholeNumber)
    .option('-w, --write <file>', 'write a pcap file instead (needs --node; - is standard output)')
    .addOption(json())
    .action(run(async () => (await import('./capture.ts')).captureCommand));

  program
    .command('explain')
    .description('take one captured packet apart, layer by layer: bytes, names, values, what they mean')
    .option('--pcap <file>', 'a capture file, - for standard input; twice: both next to each other', collect)
    .option(
      '--packet <which>',
      'its number, or secret, readable, data, handshake, response (default: most telling)',
      collect,
    )
    .option('--keys <file|name=key>', "whose WireGuard public keys to try on mac1 (default: the lab's nodes)", collect)
    .option(
      '--private-key <file>',
      "a node's WireGuard private key, to open handshakes that others began with it",
      collect,
    )
    .option(
      '--esp-secret <file>',
      "Cilium's Secret for IPsec, to open ESP with it (also with CiliumNodes; - for standard input)",
      collect,
    )
    .addOption(labOption())
    .option('-n, --node <name>', 'capture on one node only (default: all)')
    .option('--wait <seconds>', 'how long to wait for a packet on the wire', wholeNumber, 10)
    .addOption(json())
    .addHelpText('after', EXPLAIN_EXAMPLES)
    .action(run(async () => (await import('./explain.ts')).explainCommand));

  program
    .command('verify')
    .description('observe every pair of nodes, give a verdict on a claim, keep the evidence')
    .addArgument(labArgument())
    .addOption(labOption())
    .addOption(new Option('--expect <claim>', 'the claim to judge').choices(['encrypted', 'plaintext']))
    .option('--pairs <count>', 'look at a sample of about so many pairs, or at all (default: all up to 400)', pairCount)
    .option('--from <folder>', 'judge kept evidence again, without the lab')
    .option('--ledger', 'print the account of every captured packet instead of the pairs')
    .option('--evidence <folder>', 'a new folder for the evidence (default: in the evidence store)')
    .option('--sign <keyfile>', 'sign the evidence with this private SSH key')
    .option('--allowed-signers <file>', 'with --from: who may have signed it, as ssh-keygen has it')
    .addOption(json())
    .action(run(async () => (await import('./verify.ts')).verifyCommand));

  program
    .command('report')
    .description('write the report of evidence that exists: for people, for programs, and to be signed')
    .argument('[evidence...]', 'one evidence folder, or two: before and after (default: the newest)')
    .requiredOption('-o, --output <folder>', 'a new folder for the report')
    .addOption(new Option('--expect <claim>', "another claim than the run's").choices(['encrypted', 'plaintext']))
    .option('--allowed-signers <file>', 'who may have signed the evidence, as ssh-keygen has it')
    .option('--control <text>', 'a control of a standard that this is for, in your words (may be repeated)', collect)
    .action(run(async () => (await import('./report.ts')).reportCommand));

  program
    .command('exec')
    .description('run a command on a node or in a pod')
    .argument('<target>', 'a node, a pod, or namespace/pod')
    .argument('[command...]', 'the command and its arguments, after --')
    .addOption(labOption())
    .option('-t, --tty', 'with a terminal (default: when this is one)')
    .option('-T, --no-tty', 'without a terminal')
    .action(run(async () => (await import('./exec.ts')).execCommand));

  program
    .command('smoke')
    .description('for CI: deploy, prove plaintext, encrypt, prove ciphertext, turn off, prove plaintext again, destroy')
    .argument('[lab]', 'run the steps of this lab with their checks instead; its name, or the path of its file')
    .option('--name <name>', 'a name for this deployment')
    .option('--topology <file>', "another containerlab topology than the lab's")
    .option('--workers <count>', 'another number of workers', wholeNumber)
    .option('--node-image <image>', 'another image for the nodes (engine containerlab)')
    .option('--calico-version <version>', "another version of Calico than the lab's: v3.32.1")
    .option('--calico-manifests <folder>', "a folder with that release's operator-crds.yaml and tigera-operator.yaml")
    .option('--junit <file>', 'write a JUnit report')
    .option('--evidence <folder>', 'keep the evidence of every phase there')
    .addOption(engineOption())
    .addOption(json())
    .action(run(async () => (await import('./smoke.ts')).smokeCommand));

  program
    .command('destroy')
    .description('take a lab away and check that nothing of it is left')
    .addArgument(new Argument('[lab]', 'the lab (default: the only one there is)'))
    .option('-a, --all', 'all labs')
    .option('--purge', 'remove the evidence of its runs too')
    .addOption(json())
    .action(run(async () => (await import('./destroy.ts')).destroyCommand));

  program
    .command('completion')
    .description('print a completion script')
    .addArgument(new Argument('<shell>', 'for which shell').choices(['bash', 'zsh', 'fish']))
    .addHelpText('after', '\nExample:\n  source <(wglab completion bash)')
    .action(run(async () => (await import('./completion.ts')).completionCommand));

  return program;
}

function pairCount(text: string): number | 'all' {
  return text === 'all' ? text : wholeNumber(text);
}

/** An option that may be given more than once. */
function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1) return number;
  throw new InvalidArgumentError('It must be a whole number, 1 or more.');
}
