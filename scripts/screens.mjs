// Puts two screens of the workshop into docs/workshop.md, as they really are: the wire in plaintext, and encrypted.
//   node scripts/screens.mjs      (needs tmux; takes some seconds)
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const SIZE = ['-x', '116', '-y', '28'];
const WAIT_MS = 60_000;
const [BEGIN, END] = ['<!-- screens: made by scripts/screens.mjs -->', '<!-- end of screens -->'];

const home = mkdtempSync(join(tmpdir(), 'wglab-screens-'));
const server = `wglab-screens-${process.pid}`;
const { TMUX, NO_COLOR, ...inherited } = process.env;
const env = { ...inherited, WGLAB_HOME: home, WGLAB_ENGINE: 'embedded', TERM: 'xterm-256color' };
const run = (program, ...args) =>
  execFileSync(program, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
const tmux = (...args) => run('tmux', '-u', '-f', '/dev/null', '-L', server, ...args);
const press = (key) => tmux('send-keys', key);

/** The screen, once it shows this. */
async function shows(pattern) {
  const late = performance.now() + WAIT_MS;
  for (;;) {
    const screen = tmux('capture-pane', '-p');
    if (pattern.test(screen)) return screen;
    if (performance.now() > late) throw new Error(`the screen never showed ${pattern}:\n${screen}`);
    await delay(20);
  }
}

/** The number of the step that turns encryption on. */
function encryptingStep() {
  const [, ...steps] = readFileSync('labs/wireguard.md', 'utf8').split(/^## /m);
  const found = steps.findIndex((text) =>
    /^```sh\n(?:(?!```)[\s\S])*(?:wireguardEnabled"?: ?true|wglab encrypt on)/m.test(text),
  );
  if (found < 0) throw new Error('no step of labs/wireguard.md turns encryption on');
  return found + 1;
}

async function screens() {
  tmux('new-session', '-d', ...SIZE, 'bin/wglab workshop wireguard');
  await shows(/n begin/);
  press('n');
  const encrypting = encryptingStep();
  for (let step = 1; step < encrypting; step++) {
    process.stderr.write(`step ${step} of the lab\n`);
    await shows(new RegExp(`^Step ${step} of`, 'm'));
    press('d');
    await shows(/^Done\./m);
    press('n');
    await shows(/^✓ Checked\./m);
    press('n');
  }
  await shows(new RegExp(`^Step ${encrypting} of`, 'm'));
  press('w');
  await shows(/Authorization:[\s\S]*"database_url"|"database_url"[\s\S]*Authorization:/);
  press('f');
  const before = await shows(/frozen/);
  press('f');
  press('d');
  await shows(/^Done\./m);
  const after = await shows(/(?:WireGuard data[\s\S]*){4}/);
  press('q');
  return [before, after];
}

try {
  const [before, after] = (await screens()).map(
    (screen) => `\`\`\`text\n${screen.replace(/[ \t]+$/gm, '').trimEnd()}\n\`\`\``,
  );
  const readme = readFileSync('docs/workshop.md', 'utf8');
  const [head, tail] = [readme.split(BEGIN)[0], readme.split(END)[1]];
  if (tail === undefined) throw new Error(`docs/workshop.md lacks ${BEGIN} or ${END}`);
  writeFileSync('docs/workshop.md', `${head}${BEGIN}\n${before}\n\nAnd, after \`d\`:\n\n${after}\n${END}${tail}`);
} finally {
  try {
    tmux('kill-server');
  } catch {
    // it ends by itself with the workshop
  }
  run('bin/wglab', 'destroy', '--all');
  rmSync(home, { recursive: true, force: true });
}
