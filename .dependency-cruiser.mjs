/**
 * The walls between the rooms of src/. Imports point down this list, never up and never in a circle.
 * docs/architecture.md explains the rooms.
 */
const ROOMS = [
  ['cli'],
  ['workshop'],
  ['operations'],
  ['report'],
  ['proof/live'],
  ['proof'],
  ['engine'],
  ['cni'],
  ['kube-api'],
  ['lab'],
  ['kube'],
  ['state'],
  ['wire'],
  ['process'],
  ['net', 'text'],
];

/** Rooms of pure code: bytes and values in, values out. They start no process, read no clock, and draw on no terminal. */
const PURE = '^src/(wire|net|text|cni/[^/]+/dataplane)/';
const IMPURE_MODULES =
  '^(node:)?(child_process|http|http2|https|tls|dgram|readline|tty|worker_threads|os|timers|timers/promises)$';

/** `proof` is all of proof but proof/live, which has a floor of its own. */
const pathOf = (room) => (room === 'proof' ? '^src/proof/(?!live/)' : `^src/${room}/`);

const upward = ROOMS.flatMap((floor, i) =>
  floor.map((room) => ({
    name: `${room.replace('/', '-')}-imports-downward`,
    comment: `${room} is below ${ROOMS.slice(0, i).flat().join(', ')}`,
    severity: 'error',
    from: { path: pathOf(room) },
    to: { path: ROOMS.slice(0, i).flat().map(pathOf) },
  })),
).filter(({ to }) => to.path.length > 0);

export default {
  forbidden: [
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    ...upward,
    {
      name: 'engines-keep-their-inside',
      comment: 'An engine is reached through src/engine/engines.ts alone',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/engine/' },
      to: { path: '^src/engine/[^/]+/' },
    },
    {
      name: 'engines-do-not-know-each-other',
      severity: 'error',
      from: { path: '^src/engine/([^/]+)/' },
      to: { path: '^src/engine/[^/]+/', pathNot: '^src/engine/$1/' },
    },
    {
      name: 'kube-api-knows-no-cni',
      severity: 'error',
      from: { path: '^src/kube-api/' },
      to: { path: '^src/cni/' },
    },
    {
      name: 'cnis-do-not-know-each-other',
      severity: 'error',
      from: { path: '^src/cni/([^/]+)/' },
      to: { path: '^src/cni/[^/]+/', pathNot: '^src/cni/$1/' },
    },
    {
      name: 'pure-rooms-start-nothing',
      severity: 'error',
      from: { path: PURE },
      to: { path: [IMPURE_MODULES, '^src/process/'] },
    },
    { name: 'products-import-no-tests', severity: 'error', from: { path: '^src/' }, to: { path: '^test/' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    parser: 'swc',
  },
};
