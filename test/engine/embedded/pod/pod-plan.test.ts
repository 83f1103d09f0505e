import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { imageOf } from '../../../../src/engine/embedded/pod/image.ts';
import { placesOf } from '../../../../src/engine/embedded/pod/pod-files.ts';
import {
  argvOf,
  type ContainerSpec,
  environmentOf,
  expand,
  PodProblem,
  pullImage,
  volumeFiles,
} from '../../../../src/engine/embedded/pod/pod-plan.ts';
import { Store } from '../../../../src/kube-api/store.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const metadata = (name: string) => ({ name, namespace: 'default' });

function storeWithData(): Store {
  const store = new Store();
  const data = { a: '1', 'b.txt': '2' };
  store.create({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata('map'),
    data,
    binaryData: { c: base64('3') },
  });
  store.create({ apiVersion: 'v1', kind: 'Secret', metadata: metadata('secret'), data: { password: base64('hush') } });
  return store;
}

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { ...metadata('web'), uid: 'u', labels: { app: 'web' }, annotations: { note: 'n' } },
  spec: { nodeName: 'worker', serviceAccountName: 'default' },
  status: { hostIP: '172.18.0.3' },
};
const container = (more: Partial<ContainerSpec> = {}): ContainerSpec => ({ name: 'c', image: 'busybox', ...more });
const environment = (more: Partial<ContainerSpec>) =>
  Object.fromEntries(environmentOf(storeWithData(), pod, container(more), ['192.168.0.1', 'fd00::1']));

describe('the environment of a container', () => {
  it('takes values, references and fields in the order in which they are written', () => {
    const env = [
      { name: 'PLAIN', value: 'x' },
      { name: 'USES', value: '$(PLAIN)/$$(PLAIN)/$(NONE)' },
      { name: 'MAP', valueFrom: { configMapKeyRef: { name: 'map', key: 'a' } } },
      { name: 'BINARY', valueFrom: { configMapKeyRef: { name: 'map', key: 'c' } } },
      { name: 'SECRET', valueFrom: { secretKeyRef: { name: 'secret', key: 'password' } } },
      { name: 'NONE', valueFrom: { secretKeyRef: { name: 'absent', key: 'x', optional: true } } },
      { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'IPS', valueFrom: { fieldRef: { fieldPath: 'status.podIPs' } } },
      { name: 'APP', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
      { name: 'LABEL', valueFrom: { fieldRef: { fieldPath: "metadata.labels['constructor']" } } },
    ];
    expect(environment({ env })).toEqual({
      HOSTNAME: 'web',
      PLAIN: 'x',
      USES: 'x/$(PLAIN)/$(NONE)',
      MAP: '1',
      BINARY: '3',
      SECRET: 'hush',
      POD: 'web',
      IPS: '192.168.0.1,fd00::1',
      APP: 'web',
      LABEL: '',
    });
  });

  it('takes all of a ConfigMap or Secret, with a prefix', () => {
    const envFrom = [{ prefix: 'M_', configMapRef: { name: 'map' } }, { secretRef: { name: 'secret' } }];
    const absent = [{ configMapRef: { name: 'absent', optional: true } }];
    expect(environment({ envFrom: [...envFrom, ...absent] })).toMatchObject({ M_a: '1', password: 'hush' });
  });

  it.each<[string, Partial<ContainerSpec>, RegExp]>([
    ['a ConfigMap', { envFrom: [{ configMapRef: { name: 'absent' } }] }, /configmap "absent" not found/],
    [
      'a key',
      { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'map', key: 'z' } } }] },
      /couldn't find key z/,
    ],
    [
      'an inherited key',
      { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'map', key: 'constructor' } } }] },
      /couldn't find key constructor/,
    ],
    [
      'a field',
      { env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'toString' } } }] },
      /fieldRef toString is not known/,
    ],
  ])('says that it lacks %s', (_, spec, words) => {
    expect(() => environment(spec)).toThrow(PodProblem);
    expect(() => environment(spec)).toThrow(words);
  });
});

describe('expansion', () => {
  it('leaves names of inherited fields as they are', () => {
    for (const name of ['constructor', '__proto__', 'toString'])
      expect(expand(`$(${name})`, new Map())).toBe(`$(${name})`);
  });

  it('never changes a text without a dollar', () => {
    const text = fc.string().filter((one) => !one.includes('$'));
    fc.assert(fc.property(text, (one) => expand(one, new Map([['A', 'b']])) === one));
  });

  it('reaches command and arguments; without both the image has its own', () => {
    const known = new Map([['A', 'b']]);
    expect(argvOf(container({ command: ['echo', '$(A)'], args: ['$$(A)'] }), known)).toEqual(['echo', 'b', '$(A)']);
    expect(argvOf(container(), known)).toEqual(['sh']);
  });
});

describe('the files of a volume', () => {
  const files = (volume: object) => {
    const found = volumeFiles(storeWithData(), 'default', { name: 'v', ...volume });
    return found && Object.fromEntries([...found].map(([path, bytes]) => [path, bytes.toString()]));
  };

  it('are the keys of a ConfigMap or Secret, or those that are named', () => {
    expect(files({ configMap: { name: 'map' } })).toEqual({ a: '1', 'b.txt': '2', c: '3' });
    expect(files({ secret: { secretName: 'secret' } })).toEqual({ password: 'hush' });
    expect(files({ configMap: { name: 'map', items: [{ key: 'a', path: 'x/y' }] } })).toEqual({ 'x/y': '1' });
    expect(files({ configMap: { name: 'absent', optional: true } })).toEqual({});
    expect(files({ emptyDir: {} })).toBeUndefined();
  });

  it('are refused if they cannot be had', () => {
    const items = [{ key: 'constructor', path: 'x' }];
    expect(() => files({ configMap: { name: 'map', items } })).toThrow(
      /references non-existent config key: constructor/,
    );
    expect(() => files({ hostPath: { path: '/' } })).toThrow(/has no hostPath volumes/);
    expect(() => files({ secret: { secretName: 'absent' } })).toThrow(/secret "absent" not found/);
  });
});

describe('the place of a volume', () => {
  const volumes = new Map([['v', { folder: '/run/wglab/pods/u/volumes/v', readOnly: false }]]);
  const places = (mount: object) =>
    placesOf(container({ volumeMounts: [{ name: 'v', mountPath: '/data', ...mount }] }), volumes);

  it('is what the container says', () => {
    const [place] = places({ subPath: 'a/b', readOnly: true });
    expect(place).toEqual({ source: '/run/wglab/pods/u/volumes/v', subPath: 'a/b', target: '/data', readOnly: true });
    expect(places({ mountPath: 'relative' })[0]?.target).toBe('/relative');
    expect(places({ mountPath: '/a/../../../etc' })[0]?.target).toBe('/etc');
  });

  it.each(['..', '../x', 'a/../../x', 'a/..', 'x\0'])('is refused as %j, whoever let it through', (subPath) => {
    expect(() => places({ subPath })).toThrow(PodProblem);
  });
});

describe('an image', () => {
  it.each([
    ['busybox', 'busybox'],
    ['busybox:1.36', 'busybox'],
    ['registry.example:5000/library/busybox:1', 'busybox'],
    ['busybox@sha256:abc', 'busybox'],
    ['wglab/host-tools', 'host-tools'],
    ['notbusybox', undefined],
    ['busybox/other', undefined],
    ['nginx', undefined],
  ])('%s is %s', (name, image) => {
    expect(imageOf(name)).toBe(image);
    if (image === undefined) expect(() => pullImage(name)).toThrow(/has no image/);
  });
});
