// Stands in for `docker` and `containerlab`: called as either, it keeps what there is in one JSON file and answers in the words of the
// real ones. What it prints for a deployment and for errors was recorded from containerlab 0.79.0 on Docker 20.10 as far as those go on a
// machine without images (up to "Preparing nodes"); the lines after that are from kind's source (facts: containerlab-kind.md §1.6, §3.6).
// It leaves unproven: that kind really makes nodes of these images, how long that takes, what Docker's other versions print, and all
// that happens inside of a node.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';

const [called, ...argv] = process.argv.slice(2);
const file = process.env.FAKE_TOOLS;
const tool = basename(called);
appendFileSync(`${file}.calls`, `${tool} ${argv.join(' ')}\n`);
const state = JSON.parse(readFileSync(file, 'utf8'));
const save = () => writeFileSync(file, JSON.stringify(state));
const fail = (text, status = 1) => {
  process.stderr.write(`${text}\n`);
  process.exit(status);
};
const log = (text) => process.stderr.write(`20:24:39 INFO ${text}\n`);
const after = (flag) => argv[argv.indexOf(flag) + 1];

if (tool === 'docker') docker();
else await containerlab();

function docker() {
  const [command, sub] = argv;
  if (state.dockerSays) fail(state.dockerSays);
  if (command === 'version') return process.stdout.write('20.10.24+dfsg1\n');
  if (command === 'ps') {
    for (const { name, state: is, cluster = '', lab = '' } of state.containers) {
      process.stdout.write(`${name}\t${is}\t${cluster}\t${lab}\n`);
    }
    return;
  }
  if (command === 'network' && sub === 'ls') return process.stdout.write(`${state.networks.join('\n')}\n`);
  if (command === 'network' && sub === 'inspect' && after('--format').includes('IPAM')) {
    for (const name of argv.slice(4)) process.stdout.write(`${[name, ...(state.subnets?.[name] ?? [])].join(' ')}\n`);
    return;
  }
  if (command === 'network' && sub === 'inspect') {
    const name = argv.at(-1);
    if (!state.networks.includes(name)) fail(`Error: No such network: ${name}`);
    return process.stdout.write(`${state.containers.filter(({ network }) => network === name).length}\n`);
  }
  if (command === 'network' && sub === 'rm') {
    state.networks = state.networks.filter((name) => name !== argv[2]);
    return save();
  }
  if (command === 'image' && sub === 'inspect') {
    if (!state.images.includes(argv.at(-1))) fail(`Error: No such image: ${argv.at(-1)}`);
    return process.stdout.write('sha256:0\n');
  }
  if (command === 'save' && argv.slice(1).every((image) => state.images.includes(image) && image.startsWith('saved/')))
    return process.stdout.write('an archive');
  if (command === 'pull') {
    if (state.registry?.includes(argv[1])) {
      state.images.push(argv[1]);
      return save();
    }
    fail(
      'Error response from daemon: Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host',
    );
  }
  if (command === 'start') {
    for (const container of state.containers) if (argv.includes(container.name)) container.state = 'running';
    return save();
  }
  if (command === 'run') return runContainer();
  if (command === 'commit') {
    state.images.push(argv[2]);
    return save();
  }
  if (command === 'info')
    return process.stdout.write(`${JSON.stringify(state.info ?? { ServerVersion: '20.10.24' })}\n`);
  if (command === 'rm') {
    state.containers = state.containers.filter(({ name }) => !argv.includes(name));
    return save();
  }
  if (command === 'port') {
    if (argv[1].endsWith('load-balancer')) fail(`Error: No such container: ${argv[1]}`);
    return process.stdout.write(`127.0.0.1:${state.port}\n`);
  }
  if (command === 'exec') {
    if (argv.includes('/etc/kubernetes/admin.conf')) return process.stdout.write(state.adminConf);
    if (argv.at(-1).startsWith('journalctl -u kubelet')) return process.stdout.write(state.nodeSays ?? '');
    if (argv.includes('list'))
      return process.stdout.write((state.nodeImages ?? []).map((name) => `${name}\n`).join(''));
    if (argv.at(-1).includes('images import')) {
      readFileSync(0);
      if (!state.importsFail) return;
      state.importsFail -= 1;
      save();
      fail(
        'ctr: cannot access socket /run/containerd/containerd.sock: stat /run/containerd/containerd.sock: no such file or directory',
      );
    }
    if (argv.includes('unpack')) {
      readFileSync(0);
      state.bareNodes = false;
      return save();
    }
    if (state.bareNodes) fail('sh: tcpdump: not found', 127);
    return; // the tools are there, whatever is asked for
  }
  fail(`the stand-in knows no docker ${argv.join(' ')}`, 99);
}

/** A container of an image that wants a package of a network where it has no wg itself, and gives an archive. */
function runContainer() {
  const image = argv[argv.indexOf('--entrypoint') + 2];
  if (!state.images.includes(image)) fail(`Unable to find image '${image}' locally`, 125);
  if (argv.includes('--name')) {
    state.containers.push({ name: after('--name'), state: 'exited' });
    save();
  }
  if (state.packages === false && !image.startsWith('wglab/')) fail('ERROR: unable to select packages', 1);
  process.stdout.write('an archive');
}

async function containerlab() {
  if (argv[0] === 'version') return process.stdout.write('{"version":"0.79.0","commit":"none"}\n');
  const topology = readFileSync(after('--topo'), 'utf8');
  const cluster = /^name: (\S+)$/m.exec(topology)[1];
  if (argv[0] === 'inspect') {
    const rows = state.containers.map(({ name, state: is }) => ({
      lab_name: cluster,
      name,
      kind: 'k8s-kind',
      state: is,
      status: 'Up 2 seconds',
    }));
    return process.stdout.write(`${JSON.stringify({ [cluster]: rows })}\n`);
  }
  if (argv[0] === 'destroy') {
    log('Parsing & checking topology file=topology.clab.yml');
    if (!state.destroyLeaves) state.containers = state.containers.filter((container) => container.cluster !== cluster);
    return save();
  }
  if (state.containerlabSays) {
    for (const line of state.containerlabSays) process.stderr.write(`${line}\n`);
    process.exit(1);
  }
  if (argv.includes('--reconfigure')) state.containers = state.containers.filter((found) => found.cluster !== cluster);
  else if (state.containers.some((found) => found.cluster === cluster)) {
    fail(`20:24:50 ERRO node "${cluster}" deploy: node(s) already exist for a cluster with the name "${cluster}"`);
  }
  // Unless the topology forbids it, kind waits: 15 minutes, as no node is Ready without a CNI.
  if (!/^\s+wait: 0s$/m.test(topology)) await new Promise((resolve) => setTimeout(resolve, 15 * 60_000));
  log('Containerlab started version=0.79.0');
  log(`Creating cluster "${cluster}" ...\n kind-cluster=${cluster}`);
  log(` • Ensuring node image (kindest/node:v1.35.0) 🖼  ...\n kind-cluster=${cluster}`);
  log(` ✓ Ensuring node image (kindest/node:v1.35.0) 🖼\n kind-cluster=${cluster}`);
  log(` • Preparing nodes 📦 📦 📦   ...\n kind-cluster=${cluster}`);
  state.networks = [...new Set([...state.networks, 'clab', 'kind'])];
  for (const node of ['control-plane', 'worker', 'worker2'].slice(0, state.makesOnly)) {
    state.containers.push({ name: `${cluster}-${node}`, state: 'running', cluster, network: 'kind' });
  }
  save();
  if (state.hangs) await new Promise((resolve) => setTimeout(resolve, 60_000));
  log(` ✓ Preparing nodes 📦 📦 📦\n kind-cluster=${cluster}`);
  log(` • Starting control-plane 🕹️  ...\n kind-cluster=${cluster}`);
  if (state.failsAtControlPlane) {
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    log(` ✗ Starting control-plane 🕹️\n kind-cluster=${cluster}`);
    fail(`20:24:50 ERRO node "${cluster}" deploy: failed to init node with kubeadm`);
  }
  log(` ✓ Starting control-plane 🕹️\n kind-cluster=${cluster}`);
  log(` • Joining worker nodes 🚜  ...\n kind-cluster=${cluster}`);
  log(` ✓ Joining worker nodes 🚜\n kind-cluster=${cluster}`);
}
