// The first process of a holder's namespaces, for tests: runs commands that come as lines of JSON on standard input, and
// answers in lines of JSON. It ends with its standard input, and the kernel then takes all of the namespaces away.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const answer = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const { id, argv, input, stay } = JSON.parse(line);
    const child = spawn(argv[0], argv.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8').on('data', (text) => {
        output[name] += text;
        // A process that is to stay has arrived when it prints something.
        if (stay && name === 'stdout') answer({ id, pid: child.pid, code: 0, ...output });
      });
    }
    child.on('error', (error) => answer({ id, code: 127, stdout: '', stderr: error.message }));
    child.on('close', (code) => answer({ id, code: code ?? 137, ...output }));
    // One that ended early says so by its exit status.
    child.stdin.on('error', (error) => {
      output.stderr += error.message;
    });
    if (!stay) child.stdin.end(input);
  })
  .on('close', () => process.exit(0));
