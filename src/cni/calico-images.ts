import { objectsIn } from './calico-release.ts';

/**
 * The images that Calico's operator wants for what the labs ask of it: no CSI, no Goldmane, no Whisker. In 3.32 they are one a
 * component; from 3.33 on most are in `calico/calico` (calico.md §6). `operatorManifest` is the release's tigera-operator.yaml, which names
 * the operator's own.
 */
export function calicoImages(version: string, operatorManifest: string): string[] {
  const [, major = '3', minor = '32'] = /^v(\d+)\.(\d+)\./.exec(version) ?? [];
  const names = Number(major) > 3 || Number(minor) >= 33 ? COMBINED : SEPARATE;
  return [...operatorImages(operatorManifest), ...names.map((name) => `quay.io/calico/${name}:${version}`)];
}

const SEPARATE = ['node', 'cni', 'kube-controllers', 'typha', 'apiserver', 'pod2daemon-flexvol'];
const COMBINED = ['node', 'calico'];

function operatorImages(manifest: string): string[] {
  const deployments = objectsIn(manifest).filter(({ object }) => object.kind === 'Deployment');
  return deployments.flatMap(({ text }) =>
    [...text.matchAll(/^\s+image: *["']?([^\s"']+)/gm)].map(([, image = '']) => image),
  );
}
