import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { chooseContext, kubeconfigFiles } from '../../../src/engine/kubernetes/kubeconfig.ts';

const folder = mkdtempSync(join(tmpdir(), 'wglab-kubeconfig-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const ONE = write(
  'one',
  `apiVersion: v1
kind: Config
current-context: east
clusters:
  - name: c-east
    cluster: { server: https://east:6443, certificate-authority: pki/ca.crt }
  - name: c-west
    cluster: { server: https://west:6443, insecure-skip-tls-verify: true }
users:
  - name: u-east
    user: { client-certificate: east.crt, client-key: /keys/east.key }
  - name: u-west
    user: { exec: { apiVersion: client.authentication.k8s.io/v1, command: ./bin/login, args: [a] } }
contexts:
  - name: east
    context: { cluster: c-east, user: u-east, namespace: n }
  - name: west
    context: { cluster: c-west, user: u-west }
  - name: broken
    context: { cluster: c-nowhere, user: u-west }
`,
);
const TWO = write(
  'two',
  `current-context: plain
clusters: [{ name: c-plain, cluster: { server: http://plain } }, { name: c-west, cluster: { server: https://other } }]
contexts: [{ name: plain, context: { cluster: c-plain, user: nobody } }]
users: [{ name: nobody, user: { exec: { command: aws } } }]
`,
);

describe('chooseContext', () => {
  it('takes the current context and nothing of the others, with paths that hold anywhere', async () => {
    const { context, text } = await chooseContext([ONE], undefined);
    expect(context).toBe('east');
    expect(text).not.toContain('west');
    expect(parse(text)).toEqual({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'east',
      clusters: [
        {
          name: 'c-east',
          cluster: { server: 'https://east:6443', 'certificate-authority': join(folder, 'pki/ca.crt') },
        },
      ],
      users: [
        { name: 'u-east', user: { 'client-certificate': join(folder, 'east.crt'), 'client-key': '/keys/east.key' } },
      ],
      contexts: [{ name: 'east', context: { cluster: 'c-east', user: 'u-east', namespace: 'n' } }],
    });
  });

  it('takes the context that is named, and finds its login program', async () => {
    const { users } = parse((await chooseContext([ONE], 'west')).text);
    expect(users[0].user.exec.command).toBe(join(folder, 'bin/login'));
  });

  it('lets the first of several files have its say', async () => {
    expect((await chooseContext([TWO, ONE], undefined)).context).toBe('plain');
    const { text } = await chooseContext([TWO, ONE], 'west');
    expect(parse(text).clusters[0].cluster.server).toBe('https://other');
    const plain = parse((await chooseContext([ONE, TWO], 'plain')).text);
    expect(plain.users[0].user.exec.command).toBe('aws');
  });

  it.each([
    [[ONE], 'north', /there is no context "north"/],
    [[ONE], 'broken', /of a cluster "c-nowhere", which is missing/],
    [[write('none', 'contexts: []\n')], undefined, /no context is current/],
    [[write('list', '- a\n')], undefined, /is no kubeconfig/],
    [[join(folder, 'missing')], undefined, /cannot read the kubeconfig .*missing/],
  ])('refuses %s %s', async (files, context, words) => {
    await expect(chooseContext(files, context)).rejects.toThrow(words);
  });
});

it('looks where kubectl looks', () => {
  expect(kubeconfigFiles('/a', { KUBECONFIG: '/b' })).toEqual(['/a']);
  expect(kubeconfigFiles(undefined, { KUBECONFIG: '/b:/c' })).toEqual(['/b', '/c']);
  expect(kubeconfigFiles(undefined, {})).toEqual([join(homedir(), '.kube/config')]);
});
