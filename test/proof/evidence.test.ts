import { execFileSync } from 'node:child_process';
import {
  appendFile,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ExitCode } from '../../src/errors.ts';
import { judgeEvidence } from '../../src/proof/evidence/judge-evidence.ts';
import { parseSums } from '../../src/proof/evidence/sums.ts';
import { sha256Of } from '../../src/state/digest.ts';
import { sealedRun, within } from './evidence-folder.ts';
import { makeRun } from './run.ts';

let home: string;
let good: string;
let other: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'wglab-evidence-test-'));
  for (const who of ['auditor', 'stranger']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', who, '-f', join(home, who)]);
  }
  await writeFile(join(home, 'signers'), `auditor@example.org ${await readFile(join(home, 'auditor.pub'), 'utf8')}`);
  good = await sealedRun(makeRun(), join(home, 'auditor'));
  other = await sealedRun(makeRun());
});
afterAll(() => Promise.all([home, good, other].map((folder) => rm(folder, { recursive: true }))));

/** A copy of the good evidence, changed. */
async function changed(change: (folder: string) => unknown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'wglab-changed-'));
  await cp(good, folder, { recursive: true });
  await change(folder);
  return folder;
}

async function flipByte(file: string): Promise<void> {
  const bytes = await readFile(file);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  await writeFile(file, bytes);
}

async function swap(a: string, b: string): Promise<void> {
  await rename(a, `${a}.x`);
  await rename(b, a);
  await rename(`${a}.x`, b);
}

/** Makes new digests for changed files, as anybody can who has the folder. */
async function sealAgain(folder: string): Promise<void> {
  const sums = parseSums(await readFile(join(folder, 'SHA256SUMS'), 'utf8'));
  if (typeof sums === 'string') throw new Error(sums);
  const lines = [...sums.keys()].map(async (name) => `${sha256Of(await readFile(join(folder, name)))}  ${name}\n`);
  await writeFile(join(folder, 'SHA256SUMS'), (await Promise.all(lines)).join(''));
  await rm(join(folder, 'SHA256SUMS.sig'));
}

async function editRecord(folder: string, edit: (record: Record<string, unknown>) => unknown): Promise<void> {
  const file = join(folder, 'record.json');
  const record = JSON.parse(await readFile(file, 'utf8'));
  edit(record);
  await writeFile(file, JSON.stringify(record));
}

describe('evidence that nobody changed', () => {
  test('gives the verdict again, with the digest of the record and whose signature it has', async () => {
    const result = await judgeEvidence(good);
    expect(result).toMatchObject({ verdict: 'pass', changes: [], signature: { signer: null } });
    expect(result.digest).toBe(sha256Of(await readFile(join(good, 'record.json'))));
    const { evidence, signature, ...said } = result;
    const { signature: _, ...kept } = JSON.parse(await readFile(join(good, 'verdict.json'), 'utf8'));
    expect(kept).toEqual(JSON.parse(JSON.stringify(said)));
    const signed = await judgeEvidence(good, { allowedSigners: join(home, 'signers') });
    expect(signed).toMatchObject({ verdict: 'pass', signature: { signer: 'auditor@example.org' } });
  });

  test('is checked by sha256sum and ssh-keygen alone, as its README says', async () => {
    const readme = await readFile(join(good, 'README.txt'), 'utf8');
    const commands = readme.split('\n').filter((line) => /^ {4}(sha256sum|ssh-keygen)/.test(line));
    expect(commands).toHaveLength(3);
    const script = commands.join('\n').replace('SIGNERS', join(home, 'signers')).replace('WHO', 'auditor@example.org');
    const said = execFileSync('sh', ['-ec', script], { cwd: good, encoding: 'utf8', stdio: 'pipe' });
    expect(said).toContain('taps/n1.pcap: OK');
    expect(said).toContain('Good "wglab" signature for auditor@example.org');
  });
});

describe('evidence that was changed', () => {
  const changes: [string, (folder: string) => unknown, string][] = [
    ['a byte of a capture', (folder) => flipByte(join(folder, 'taps/n2.pcap')), 'taps/n2.pcap'],
    [
      'two captures swapped',
      (folder) => swap(join(folder, 'taps/n1.pcap'), join(folder, 'taps/n2.pcap')),
      'taps/n1.pcap',
    ],
    ['a capture of another run', (f) => copyFile(join(other, 'taps/n1.pcap'), join(f, 'taps/n1.pcap')), 'taps/n1.pcap'],
    ['a capture that is cut', (folder) => truncate(join(folder, 'taps/n3.pcap'), 1000), 'taps/n3.pcap'],
    ['a capture that goes on', (folder) => appendFile(join(folder, 'taps/n3.pcap'), 'x'), 'taps/n3.pcap'],
    ['a capture that is missing', (folder) => rm(join(folder, 'taps/n3.pcap')), 'taps/n3.pcap'],
    ['the lab’s name in the record', (f) => editRecord(f, (r) => Object.assign(r, { lab: 'else' })), 'record.json'],
    ['the claim in the verdict', (folder) => appendFile(join(folder, 'verdict.json'), ' '), 'verdict.json'],
    ['the README', (folder) => appendFile(join(folder, 'README.txt'), 'ps'), 'README.txt'],
    ['no digests', (folder) => rm(join(folder, 'SHA256SUMS')), 'SHA256SUMS'],
    ['a digest', async (folder) => flipByte(join(folder, 'SHA256SUMS.sig')), 'SHA256SUMS.sig'],
    [
      'digests that name files elsewhere',
      (f) => appendFile(join(f, 'SHA256SUMS'), `${'0'.repeat(64)}  ../x\n`),
      'SHA256SUMS',
    ],
    ['digests without the record', (f) => writeFile(join(f, 'SHA256SUMS'), ''), 'record.json'],
  ];
  test.each(changes)('(%s) is inconclusive, and the file is named', async (_name, change, file) => {
    await within(await changed(change), async (folder) => {
      const result = await judgeEvidence(folder);
      expect(result.verdict).toBe('inconclusive');
      expect(result.changes.map((each) => each.file)).toContain(file);
      expect(result.pairs.map(({ observation }) => observation)).not.toContain('encrypted');
      expect(result.summary).toMatch(/^The evidence is not what the run left behind: \S+: /);
      expect((await judgeEvidence(folder, { expect: 'plaintext' })).verdict).toBe('inconclusive');
    });
  });

  test('with digests that fit again is found by the signature, and by the printed digest alone if there is none', async () => {
    const forge = async (folder: string) => {
      await editRecord(folder, (record) =>
        Object.assign(record, { lab: 'else', startedAt: '2026-11-21T19:00:00.000Z' }),
      );
      await sealAgain(folder);
    };
    await within(await changed(forge), async (folder) => {
      const result = await judgeEvidence(folder);
      expect(result).toMatchObject({ verdict: 'pass', changes: [], signature: null });
      expect(result.digest).not.toBe((await judgeEvidence(good)).digest);
      const signed = await judgeEvidence(folder, { allowedSigners: join(home, 'signers') });
      expect(signed).toMatchObject({ verdict: 'inconclusive', changes: [{ file: 'SHA256SUMS.sig' }] });
    });
  });

  test('and signed by another key is inconclusive', async () => {
    const sign = async (folder: string) => {
      await sealAgain(folder);
      execFileSync('ssh-keygen', [
        '-q',
        '-Y',
        'sign',
        '-n',
        'wglab',
        '-f',
        join(home, 'stranger'),
        join(folder, 'SHA256SUMS'),
      ]);
    };
    await within(await changed(sign), async (folder) => {
      expect(await judgeEvidence(folder)).toMatchObject({ verdict: 'pass', signature: { signer: null } });
      const result = await judgeEvidence(folder, { allowedSigners: join(home, 'signers') });
      expect(result).toMatchObject({ verdict: 'inconclusive', signature: null });
      expect(result.summary).toMatch(/SHA256SUMS\.sig: it was made with SHA256:\S+, which no allowed signer has/);
    });
  });

  test('with a signature for another purpose is inconclusive', async () => {
    const sign = async (folder: string) => {
      await rm(join(folder, 'SHA256SUMS.sig'));
      execFileSync('ssh-keygen', [
        '-q',
        '-Y',
        'sign',
        '-n',
        'git',
        '-f',
        join(home, 'auditor'),
        join(folder, 'SHA256SUMS'),
      ]);
    };
    await within(await changed(sign), async (folder) => {
      expect((await judgeEvidence(folder)).verdict).toBe('inconclusive');
    });
  });
});

describe('evidence that is hostile', () => {
  const usage = { exitCode: ExitCode.usage };
  const fifo = (folder: string, name: string) => {
    execFileSync('rm', ['-f', join(folder, name)]);
    execFileSync('mkfifo', [join(folder, name)]);
  };
  const files = ['record.json', 'SHA256SUMS', 'SHA256SUMS.sig', 'taps/n1.pcap', 'README.txt'];
  test.each(files)('with a FIFO for %s is refused, and nothing waits for it', async (name) => {
    await within(await changed((folder) => fifo(folder, name)), async (folder) => {
      await expect(judgeEvidence(folder)).rejects.toMatchObject(usage);
      await expect(judgeEvidence(folder)).rejects.toThrow(`${name} is a FIFO, not a file`);
    });
  });

  test.each(files)('with a link to a device, or a folder, for %s is refused', async (name) => {
    const link = async (folder: string) => {
      await rm(join(folder, name));
      await symlink('/dev/zero', join(folder, name));
    };
    await within(await changed(link), async (folder) => {
      await expect(judgeEvidence(folder)).rejects.toThrow(`${name} is a symbolic link, not a file`);
      await rm(join(folder, name));
      await mkdir(join(folder, name));
      await expect(judgeEvidence(folder)).rejects.toThrow(`${name} is a folder, not a file`);
    });
  });

  test('with a record of more than 64 MiB is refused before it is read', async () => {
    await within(await changed((folder) => truncate(join(folder, 'record.json'), 2 ** 40)), async (folder) => {
      await expect(judgeEvidence(folder)).rejects.toMatchObject(usage);
      await expect(judgeEvidence(folder)).rejects.toThrow(/has 1099511627776 bytes: wglab reads files up to/);
    });
  });

  test('never passes and never crashes, whatever one value of the record becomes', async () => {
    const text = await readFile(join(good, 'record.json'), 'utf8');
    const paths = leaves(JSON.parse(text));
    await within(await changed(() => undefined), async (folder) => {
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...paths), fc.jsonValue(), async (path, value) => {
          const record = JSON.parse(text);
          put(record, path, value);
          await writeFile(join(folder, 'record.json'), JSON.stringify(record));
          const outcome = await judgeEvidence(folder).then(
            ({ verdict }) => verdict,
            (error) => error.exitCode,
          );
          const same = JSON.stringify(record) === text;
          expect(same ? ['pass'] : ['inconclusive', ExitCode.usage]).toContain(outcome);
        }),
        { numRuns: 60 },
      );
    });
  });
});

type Path = (string | number)[];

function leaves(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, each]) => leaves(each, [...path, key]))];
}

function put(root: unknown, path: Path, value: unknown): void {
  const parent = path.slice(0, -1).reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], root);
  const last = path.at(-1);
  if (last !== undefined) Object.assign(parent as object, { [last]: value });
}

describe('SHA256SUMS', () => {
  const line = `${'a'.repeat(64)}  record.json\n`;
  test('is read as sha256sum writes it', () => {
    expect(parseSums(`${line}${'b'.repeat(64)} *taps/n1.pcap\n`)).toEqual(
      new Map([
        ['record.json', 'a'.repeat(64)],
        ['taps/n1.pcap', 'b'.repeat(64)],
      ]),
    );
  });

  test.each([
    [line.slice(0, -1), 'whole line'],
    [`${line}${line}`, 'second time'],
    [line.replace('record', '/etc/record'), 'does not name a file'],
    [line.replace('record', '../record'), 'does not name a file'],
    [line.replace('record', 'taps/../../record'), 'does not name a file'],
    [line.replace('record', 'a\u001b[31m'), 'does not name a file'],
    [line.replace('a', 'A'), 'is not a digest'],
  ])('that is no such list (%j) is refused with the reason', (text, reason) => {
    expect(parseSums(text)).toContain(reason);
  });

  test('of anything never crashes', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parseSums(text)).toBeDefined();
      }),
    );
  });
});
