import { PassThrough, Readable } from 'node:stream';
import type { KubeObject } from '../../../src/kube/object.ts';
import { type LogOptions, type PodRuntime, RuntimeRefusal } from '../../../src/kube-api/runtime.ts';
import type { Store } from '../../../src/kube-api/store.ts';
import type { RemoteProcess } from '../../../src/process/remote-process.ts';

const now = () => `${new Date().toISOString().slice(0, 19)}Z`;

/** Puts pods on nodes, makes them Running and Ready, and takes them away once they are deleted: what kubectl waits for. */
export function startFakeKubelet(store: Store): () => void {
  let next = 0;
  const care = (pod: KubeObject) => {
    const { namespace, name } = pod.metadata;
    if (pod.metadata.deletionTimestamp) {
      if (store.get('Pod', namespace, name)) store.remove('Pod', namespace, name);
      return;
    }
    if (pod.status?.phase !== 'Pending') return;
    const nodes = store.list('Node');
    store.modify('Pod', namespace, name, (object) => {
      const nodeName = object.spec?.nodeName ?? nodes[next++ % nodes.length]?.metadata.name;
      object.spec = { ...object.spec, nodeName };
      const conditions = ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
        type,
        status: 'True',
        lastTransitionTime: now(),
      }));
      const containers = (object.spec.containers ?? []) as { name: string; image: string }[];
      object.status = {
        phase: 'Running',
        podIP: `192.168.0.${next}`,
        hostIP: '172.18.0.3',
        startTime: now(),
        conditions,
        containerStatuses: containers.map(({ name: container, image }) => ({
          name: container,
          image,
          imageID: '',
          ready: true,
          started: true,
          restartCount: 0,
          lastState: {},
          state: { running: { startedAt: now() } },
        })),
      };
    });
  };
  return store.watch('Pod', ({ type, object }) => {
    if (type !== 'DELETED')
      setImmediate(() => care(store.get('Pod', object.metadata.namespace, object.metadata.name) ?? object));
  });
}

/** One pod per node for each DaemonSet, replaced at once when the template changes; and a status for `rollout status`. */
export function startFakeDaemonSets(store: Store): () => void {
  const sync = (name: string, namespace: string | undefined) => {
    const set = store.get('DaemonSet', namespace, name);
    if (!set) return;
    const template = structuredClone(set.spec?.template) as {
      metadata?: { labels?: Record<string, string> };
      spec: object;
    };
    const generation = String(set.metadata.generation);
    const nodes = store.list('Node').map((node) => node.metadata.name);
    for (const node of nodes) {
      const podName = `${name}-${node}-${generation}`;
      if (store.get('Pod', namespace, podName)) continue;
      for (const pod of store.list('Pod', namespace)) {
        const owned = pod.metadata.ownerReferences?.some((o) => o.uid === set.metadata.uid);
        if (owned && pod.spec?.nodeName === node) store.remove('Pod', namespace, pod.metadata.name);
      }
      store.create({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          name: podName,
          ...(namespace ? { namespace } : {}),
          labels: { ...template.metadata?.labels, 'pod-template-generation': generation },
          ownerReferences: [
            { apiVersion: 'apps/v1', kind: 'DaemonSet', name, uid: set.metadata.uid ?? '', controller: true },
          ],
        },
        spec: { ...template.spec, nodeName: node },
        status: { phase: 'Pending' },
      });
    }
    store.modify('DaemonSet', namespace, name, (object) => {
      object.status = {
        observedGeneration: object.metadata.generation,
        currentNumberScheduled: nodes.length,
        desiredNumberScheduled: nodes.length,
        numberMisscheduled: 0,
        numberReady: nodes.length,
        numberAvailable: nodes.length,
        updatedNumberScheduled: nodes.length,
      };
    });
  };
  return store.watch('DaemonSet', ({ type, object }) => {
    if (type !== 'DELETED') setImmediate(() => sync(object.metadata.name, object.metadata.namespace));
  });
}

/** A runtime without processes: logs of fixed lines, and a command that repeats its arguments and its input. */
export class FakeRuntime implements PodRuntime {
  readonly logRequests: LogOptions[] = [];
  readonly openLogs = new Set<Readable>();
  readonly commands: string[] = [];

  logs(_pod: KubeObject, container: string, options: LogOptions): Readable {
    this.logRequests.push(options);
    const lines = [`${container}: one`, `${container}: two`, `${container}: three`];
    const last = options.tailLines === undefined ? lines : lines.slice(lines.length - options.tailLines);
    const stream = new Readable({ read: () => undefined });
    stream.push(last.map((line) => `${line}\n`).join(''));
    if (options.follow) this.openLogs.add(stream);
    else stream.push(null);
    stream.on('close', () => this.openLogs.delete(stream));
    return stream;
  }

  exec(pod: KubeObject, container: string, argv: readonly string[]): RemoteProcess {
    if (argv[0] === 'refuse') throw new RuntimeRefusal(`container ${container} does not run`);
    return this.#run(`${pod.metadata.name}/${container}: ${argv.join(' ')}`);
  }

  isHost(): boolean {
    return false;
  }

  execOnNode(node: string, argv: readonly string[]): RemoteProcess {
    return this.#run(`${node}: ${argv.join(' ')}`);
  }

  #run(what: string): RemoteProcess {
    this.commands.push(what);
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    stdout.end(`${what}\n`);
    stderr.end();
    return {
      stdin: new PassThrough(),
      stdout,
      stderr,
      exited: Promise.resolve(0),
      resize: () => undefined,
      kill: () => undefined,
    };
  }
}
