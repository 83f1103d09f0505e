/** A small lab as its files have it, apart from those of the repository, so that lines and columns in tests stay what they are. */
export const FIXTURE = {
  lab: {
    file: 'labs/small.md',
    text: `---
title: A small lab
minutes: 5
topology: ../topologies/small.clab.yml
cni:
  name: calico
  manifests: [../manifests/installation.yaml, ../manifests/felix.yaml]
workloads:
  - ../manifests/workload.yaml
engines: [embedded]
---
# A small lab

---
Nothing to do here.
`,
  },
  topology: {
    file: 'topologies/small.clab.yml',
    text: `name: small
topology:
  nodes:
    # The cluster's name.
    small:
      kind: k8s-kind
      image: kindest/node:v1.35.0
      startup-config: small.kind.yml
      extras: {k8s_kind: {deploy: {wait: 0s}}}
`,
  },
  kind: {
    file: 'topologies/small.kind.yml',
    text: `kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
networking:
  disableDefaultCNI: true
  podSubnet: 192.168.0.0/16
nodes:
  - role: control-plane
  - role: worker
  - role: worker
    labels: {zone: b}
`,
  },
  installation: {
    file: 'manifests/installation.yaml',
    text: `apiVersion: operator.tigera.io/v1
kind: Installation
metadata:
  name: default
spec:
  calicoNetwork:
    bgp: Disabled
    ipPools:
      - cidr: 192.168.0.0/16
        blockSize: 26
        encapsulation: VXLAN
`,
  },
  felix: {
    file: 'manifests/felix.yaml',
    text: `apiVersion: projectcalico.org/v3
kind: FelixConfiguration
metadata:
  name: default
spec:
  wireguardEnabled: false
`,
  },
  workload: {
    file: 'manifests/workload.yaml',
    text: `apiVersion: v1
kind: Namespace
metadata:
  name: small
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels:
    app.kubernetes.io/name: web
spec:
  containers:
    - name: web
      image: busybox:1.36
      command: [httpd, -f]
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec: {}
`,
  },
};
