import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commandWords } from '../../src/lab/command-words.ts';
import { onlyDocument, parseDocuments } from '../../src/lab/document.ts';
import { showPlace } from '../../src/lab/problem.ts';
import { readTopology, topologyOf } from '../../src/lab/topology.ts';

const FILE = '/labs/by-hand.clab.yml';

/** Returns a topology with these lines for the nodes next to the cluster and for the links. */
function topology(nodes: string, links = '', rest = '') {
  const text = `name: by-hand
topology:
  nodes:
    by-hand: {kind: k8s-kind, startup-config: by-hand.kind.yml}
${nodes}
  links:
${links || '    []'}
${rest}`;
  return topologyOf(onlyDocument(parseDocuments(text, FILE), FILE));
}

const TWO = `    alice: {kind: linux, image: a, network-mode: none}
    bob: {kind: linux, image: a, network-mode: none}`;

/** Returns the error that is thrown, line by line, without the file. */
function problems(nodes: string, links?: string, rest?: string): string[] {
  try {
    topology(nodes, links, rest);
  } catch (error) {
    return String((error as Error).message)
      .replaceAll(`${FILE}:`, '')
      .split('\n');
  }
  return [];
}

function notEmbedded(nodes: string, links?: string, rest?: string): string[] {
  const found = topology(nodes, links, rest).notEmbedded;
  return found.map(({ place, message }) => `${showPlace(place).replace(`${FILE}:`, '')}: ${message}`);
}

describe('nodes of kind linux', () => {
  it('have commands, variables and links', () => {
    const { linux, links, cluster, notEmbedded } = topology(
      `    alice:
      kind: linux
      image: tools:1
      network-mode: none
      exec: ["ip address add 10.0.0.1/24 dev eth1", "sh -c 'echo \\"$WHO\\" > /tmp/x'"]
      env: {WHO: alice, NUMBER: 1}
    bob: {kind: linux, group: hosts}`,
      '    - endpoints: ["alice:eth1", "bob:eth1"]\n    - {endpoints: ["alice:eth2", "bob:eth2"], mtu: 1500}',
      `  groups: {hosts: {network-mode: none, image: tools:2, exec: [second]}}
  defaults: {exec: [first]}
`,
    );
    expect({ linux, links, cluster, notEmbedded }).toEqual({
      cluster: 'by-hand',
      notEmbedded: [],
      linux: [
        {
          name: 'alice',
          place: { file: FILE, line: 5, column: 5 },
          image: 'tools:1',
          exec: [
            ['first'],
            ['ip', 'address', 'add', '10.0.0.1/24', 'dev', 'eth1'],
            ['sh', '-c', 'echo "$WHO" > /tmp/x'],
          ],
          env: { WHO: 'alice', NUMBER: '1' },
        },
        {
          name: 'bob',
          place: { file: FILE, line: 11, column: 5 },
          image: 'tools:2',
          exec: [['first'], ['second']],
          env: {},
        },
      ],
      links: [
        {
          ends: [
            { node: 'alice', interface: 'eth1' },
            { node: 'bob', interface: 'eth1' },
          ],
          mtu: 9500,
        },
        {
          ends: [
            { node: 'alice', interface: 'eth2' },
            { node: 'bob', interface: 'eth2' },
          ],
          mtu: 1500,
        },
      ],
    });
  });

  it.each([
    [
      'an unknown key',
      '    alice: {kind: linux, image: a, exce: []}',
      '',
      '5:36: unknown key "exce" in topology.nodes.alice; did you mean "exec"?',
    ],
    [
      'a name that no host can have',
      '    al_ice: {kind: linux, image: a}',
      '',
      '5:5: "al_ice" cannot name a host; it may have up to 63 letters, digits, dots and hyphens',
    ],
    ['no image', '    alice: {kind: linux}', '', '5:5: the node "alice" has no image'],
    [
      'a quotation mark',
      '    alice: {kind: linux, image: a, exec: ["sh -c \'x"]}',
      '',
      '5:43: topology.nodes.alice.exec[0]: a quotation mark is not closed',
    ],
    [
      'an empty command',
      '    alice: {kind: linux, image: a, exec: [" "]}',
      '',
      '5:43: topology.nodes.alice.exec[0] is empty',
    ],
    ['one end', TWO, '    - endpoints: ["alice:eth1"]', '8:7: a link has two ends; topology.links[0] has 1 end'],
    ['no ends', TWO, '    - mtu: 1500', '8:7: a link has two ends; topology.links[0] has 0 ends'],
    [
      'an end without an interface',
      TWO,
      '    - endpoints: [alice, "bob:eth1"]',
      '8:19: topology.links[0].endpoints[0] must be a node and an interface, such as "alice:eth1"',
    ],
    [
      'a misspelt node',
      TWO,
      '    - endpoints: ["alcie:eth1", "bob:eth1"]',
      '8:19: there is no node "alcie"; did you mean "alice"?',
    ],
    [
      'a link to the cluster',
      TWO,
      '    - endpoints: ["by-hand:eth1", "bob:eth1"]',
      '8:19: the node "by-hand" is of kind k8s-kind; links are for nodes of kind linux and ext-container',
    ],
    [
      'a long interface',
      TWO,
      '    - endpoints: ["alice:ethernet-number-1", "bob:eth1"]',
      '8:19: "ethernet-number-1" cannot name an interface of a link; it may have up to 15 letters, digits, dots, hyphens and underscores',
    ],
    [
      'an interface with two links',
      TWO,
      '    - endpoints: ["alice:eth1", "bob:eth1"]\n    - endpoints: ["alice:eth1", "bob:eth2"]',
      '9:19: "alice:eth1" is the end of another link already',
    ],
    [
      'the management interface',
      TWO.replace(', network-mode: none', ''),
      '    - endpoints: ["alice:eth0", "bob:eth1"]',
      '8:19: eth0 of "alice" is its interface on the management network; begin with eth1',
    ],
    [
      'an MTU that is none',
      TWO,
      '    - {endpoints: ["alice:eth1", "bob:eth1"], mtu: 9}',
      '8:52: topology.links[0].mtu must be from 68 to 65535',
    ],
  ])('%s has its place', (_, nodes, links, message) => {
    expect(problems(nodes, links)).toEqual([message]);
  });

  it.each([
    [
      'a key that it does not obey',
      '    alice: {kind: linux, image: a, network-mode: none, sysctls: {a: 1}}',
      '',
      "5:56: the embedded engine's linux nodes have no sysctls",
    ],
    [
      'a management network',
      '    alice: {kind: linux, image: a, network-mode: bridge}',
      '',
      '5:50: the embedded engine gives "alice" the links of the topology and no management network',
    ],
    [
      'a variable',
      '    alice: {kind: linux, image: a, network-mode: none, exec: ["echo __clabNodeName__"]}',
      '',
      '5:63: topology.nodes.alice.exec[0]: the embedded engine fills in no variables',
    ],
    [
      'a link outside',
      TWO,
      '    - endpoints: ["alice:eth1", "host:x"]',
      '8:33: the embedded engine has no links to "host"',
    ],
    [
      'another type of link',
      TWO,
      '    - {type: dummy, endpoint: {node: alice, interface: eth1}}',
      '8:14: topology.links[0].type: the embedded engine makes links of the brief form only',
    ],
    [
      'addresses of a link',
      TWO,
      '    - {endpoints: ["alice:eth1", "bob:eth1"], ipv4: ["10.0.0.1/24"]}',
      "8:47: the embedded engine's links have no ipv4",
    ],
  ])('the embedded engine says where it lacks %s', (_, nodes, links, message) => {
    expect(notEmbedded(nodes, links)).toEqual([message]);
  });
});

describe('the words of a command', () => {
  it.each([
    ['a b', ['a', 'b']],
    [`a 'b c' "d \\" e"f \\ g`, ['a', 'b c', 'd " ef', ' g']],
    ['a # b', ['a']],
    ['a#b ""', ['a#b', '']],
    [`a 'b`, undefined],
    ['a "b', undefined],
  ])('%s', (text, words) => {
    expect(commandWords(text)).toEqual(words);
  });

  it('come back from quotation marks as they were', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 }), (words) => {
        const quoted = words.map((word) => `'${word.replaceAll("'", `'"'"'`)}'`).join(' ');
        expect(commandWords(quoted)).toEqual(words);
      }),
    );
  });
});

describe("the cluster's own nodes, as ext-container", () => {
  it('have commands, and links with linux nodes and each other', () => {
    const { external, links, linux, notEmbedded } = topology(
      `    by-hand-worker: {kind: ext-container, exec: ["ip address add 10.9.0.1/24 dev eth1"]}
    by-hand-worker2: {kind: ext-container}
${TWO}`,
      '    - endpoints: ["by-hand-worker:eth1", "by-hand-worker2:eth1"]\n    - endpoints: ["by-hand-worker2:eth2", "bob:eth1"]',
    );
    expect(external.map(({ name, exec }) => [name, exec])).toEqual([
      ['by-hand-worker', [['ip', 'address', 'add', '10.9.0.1/24', 'dev', 'eth1']]],
      ['by-hand-worker2', []],
    ]);
    expect(links.flatMap(({ ends }) => ends.map(({ node }) => node))).toEqual([
      ...['by-hand-worker', 'by-hand-worker2', 'by-hand-worker2', 'bob'],
    ]);
    expect([linux.map(({ name }) => name), notEmbedded]).toEqual([['alice', 'bob'], []]);
  });

  it.each(['by-hand-worker1', 'by-hand-master', 'other-worker'])('are not named %s', (name) => {
    expect(problems(`    ${name}: {kind: ext-container}`)).toEqual([
      `5:5: the ext-container "${name}" is no node of the cluster; kind names them by-hand-control-plane, by-hand-worker, by-hand-worker2`,
    ]);
  });

  it('have an eth0 of their own', () => {
    expect(
      problems(
        `    by-hand-worker: {kind: ext-container}\n${TWO}`,
        '    - endpoints: ["by-hand-worker:eth0", "bob:eth1"]',
      ),
    ).toEqual([expect.stringContaining('eth0 of "by-hand-worker" is its interface on the management network')]);
  });
});

it('a node without a body has all from the defaults', () => {
  const text = `name: x
topology:
  defaults: {kind: k8s-kind, startup-config: x.kind.yml}
  nodes:
    k:
`;
  expect(topologyOf(onlyDocument(parseDocuments(text, FILE), FILE)).cluster).toBe('k');
});

it('a Go template is named as one, with its place', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wglab-template-'));
  const file = join(folder, 'x.clab.yml');
  await writeFile(
    file,
    'name: x\ntopology:\n  nodes:\n{{ range $i, $e := .nodes }}\n    n{{ $i }}: {kind: linux}\n{{ end }}\n',
  );
  await expect(readTopology(file)).rejects.toThrow(/x\.clab\.yml:4:1: this is a Go template/);
  await rm(folder, { recursive: true });
});
