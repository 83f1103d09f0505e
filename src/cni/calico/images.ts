import type { Manifest } from '../../lab/manifests.ts';
import { objectsIn } from './release.ts';

/** The fields of an Installation that decide which images the operator pulls, and from where. */
interface InstallationSpec {
  registry?: string;
  imagePath?: string;
  imagePrefix?: string;
  flexVolumePath?: string;
  kubeletVolumePluginPath?: string;
  cni?: { installMode?: string };
}

/**
 * The images that Calico's operator wants for what a lab asks of it (`requests`: Installation, APIServer and the like), read in the
 * operator itself: pkg/components/calico.go and pkg/render of v1.40 to v1.42, which are Calico 3.31 and 3.32, and of
 * release-v1.44 for 3.33, where most are in `calico/calico`. `operatorManifest` is the release's tigera-operator.yaml, which
 * names the operator's own image; empty if it is not known.
 */
export function calicoImages(version: string, operatorManifest: string, requests: readonly Manifest[]): string[] {
  const operators = requests.map(({ object }) => object).filter(({ apiVersion }) => /^operator\./.test(apiVersion));
  const asksFor = (kind: string) => operators.some((object) => object.kind === kind);
  const spec = (operators.find(({ kind }) => kind === 'Installation')?.spec ?? {}) as InstallationSpec;
  const [, major = '3', minor = '32'] = /^v(\d+)\.(\d+)\./.exec(version) ?? [];
  const isCombined = Number(major) > 3 || Number(minor) >= 33;
  const names = isCombined ? combined(spec, asksFor) : separate(spec, asksFor);
  const from = registryOf(spec);
  return [...operatorImages(operatorManifest), ...names.map((name) => `${from}${name}:${version}`)];
}

type AsksFor = (kind: string) => boolean;

/** One a component. Typha always runs; the driver for FlexVolumes too, unless its path is `None`, as the CSI driver's may be. */
function separate(spec: InstallationSpec, asksFor: AsksFor): string[] {
  return [
    ...['node', 'cni', 'kube-controllers', 'typha'],
    ...(asksFor('APIServer') ? ['apiserver'] : []),
    ...(spec.flexVolumePath === 'None' ? [] : ['pod2daemon-flexvol']),
    ...(spec.kubeletVolumePluginPath === 'None' ? [] : ['csi', 'node-driver-registrar']),
    ...(asksFor('Goldmane') ? ['goldmane'] : []),
    ...(asksFor('Whisker') ? ['whisker', 'whisker-backend'] : []),
  ];
}

/** From 3.33 on the plugins that are not Calico's own have an image of their own, which one may do without. */
function combined(spec: InstallationSpec, asksFor: AsksFor): string[] {
  return [
    ...['node', 'calico'],
    ...(spec.cni?.installMode === 'CalicoOnly' ? [] : ['third-party-cni-plugins']),
    ...(asksFor('Whisker') ? ['whisker'] : []),
  ];
}

/** Returns the prefix of an image's name (operator, pkg/components/references.go): `UseDefault` is the same as none. */
function registryOf({ registry, imagePath, imagePrefix }: InstallationSpec): string {
  const given = (value: string | undefined) => (value === undefined || value === 'UseDefault' ? '' : value);
  const folders = [given(registry) || 'quay.io', given(imagePath) || 'calico'];
  return `${folders.map((folder) => folder.replace(/\/$/, '')).join('/')}/${given(imagePrefix)}`;
}

function operatorImages(manifest: string): string[] {
  const deployments = objectsIn(manifest).filter(({ object }) => object.kind === 'Deployment');
  return deployments.flatMap(({ text }) =>
    [...text.matchAll(/^\s+image: *["']?([^\s"']+)/gm)].map(([, image = '']) => image),
  );
}
