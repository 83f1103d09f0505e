import type { KubeObject } from '../../../kube/object.ts';
import type { Condition } from '../../../kube-api/controllers/kinds.ts';

export type IPPoolOfInstallation = {
  name?: string;
  cidr?: string;
  blockSize?: number;
  encapsulation?: string;
  natOutgoing?: string;
  nodeSelector?: string;
};
export type InstallationSpec = { calicoNetwork?: { ipPools?: IPPoolOfInstallation[] }; [field: string]: unknown };
export type StatusWithConditions = { conditions?: Condition[]; [field: string]: unknown };
export type Installation = KubeObject<InstallationSpec, StatusWithConditions>;

declare module '../../../kube-api/controllers/kinds.ts' {
  interface Kinds {
    Installation: Installation;
    TigeraStatus: KubeObject<Record<string, unknown>, StatusWithConditions>;
    IPPool: KubeObject;
    BlockAffinity: KubeObject;
    FelixConfiguration: KubeObject;
  }
}
