/**
 * The protobuf field numbers of Kubernetes' own kinds (generated.proto of k8s.io/api): the names of a message's fields in
 * the order of their numbers, a number where there is a gap. `*Name` is a field whose message is part of the struct itself.
 */
export const NUMBERS = `
OwnerReference: kind 3 name uid apiVersion controller blockOwnerDeletion
ManagedFieldsEntry: manager operation apiVersion time 6 fieldsType fieldsV1 subresource
ObjectMeta: name generateName namespace selfLink uid resourceVersion generation creationTimestamp deletionTimestamp
  deletionGracePeriodSeconds labels annotations ownerReferences finalizers 17 managedFields
Preconditions: uid resourceVersion
DeleteOptions: gracePeriodSeconds preconditions orphanDependents propagationPolicy dryRun
  ignoreStoreReadErrorWithClusterBreakingPotential
LabelSelectorRequirement: key operator values
LabelSelector: matchLabels matchExpressions
Condition: type status observedGeneration lastTransitionTime reason message
LocalObjectReference: name
ObjectReference: kind namespace name uid apiVersion resourceVersion fieldPath
TypedLocalObjectReference: apiGroup kind name
TypedObjectReference: apiGroup kind name namespace
NodeSelectorRequirement: key operator values
NodeSelectorTerm: matchExpressions matchFields
PreferredSchedulingTerm: weight preference
NodeSelector: nodeSelectorTerms
NodeAffinity: requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution
PodAffinityTerm: labelSelector namespaces topologyKey namespaceSelector matchLabelKeys mismatchLabelKeys
WeightedPodAffinityTerm: weight podAffinityTerm
PodAffinity: requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution
PodAntiAffinity: requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution
Affinity: nodeAffinity podAffinity podAntiAffinity
ConfigMapKeySelector: *LocalObjectReference key optional
SecretKeySelector: *LocalObjectReference key optional
FileKeySelector: volumeName path key optional
ObjectFieldSelector: apiVersion fieldPath
ResourceFieldSelector: containerName resource divisor
EnvVarSource: fieldRef resourceFieldRef configMapKeyRef secretKeyRef fileKeyRef
EnvVar: name value valueFrom
ConfigMapEnvSource: *LocalObjectReference optional
SecretEnvSource: *LocalObjectReference optional
EnvFromSource: prefix configMapRef secretRef
ExecAction: command
HTTPHeader: name value
HTTPGetAction: path port host scheme httpHeaders
SleepAction: seconds
TCPSocketAction: port host
GRPCAction: port service
LifecycleHandler: exec httpGet tcpSocket sleep
Lifecycle: postStart preStop stopSignal
Probe: *ProbeHandler initialDelaySeconds timeoutSeconds periodSeconds successThreshold failureThreshold
  terminationGracePeriodSeconds
ContainerPort: name hostPort containerPort protocol hostIP
ContainerResizePolicy: resourceName restartPolicy
ResourceClaim: name request
ResourceRequirements: limits requests claims
ContainerRestartRuleOnExitCodes: operator values
ContainerRestartRule: action exitCodes
AppArmorProfile: type localhostProfile
Capabilities: add drop
SELinuxOptions: user role type level
SeccompProfile: type localhostProfile
WindowsSecurityContextOptions: gmsaCredentialSpecName gmsaCredentialSpec runAsUserName hostProcess
SecurityContext: capabilities privileged seLinuxOptions runAsUser runAsNonRoot readOnlyRootFilesystem
  allowPrivilegeEscalation runAsGroup procMount windowsOptions seccompProfile appArmorProfile
VolumeDevice: name devicePath
VolumeMount: name readOnly mountPath subPath mountPropagation subPathExpr recursiveReadOnly
Container: name image command args workingDir ports env resources volumeMounts livenessProbe readinessProbe lifecycle
  terminationMessagePath imagePullPolicy securityContext stdin stdinOnce tty envFrom terminationMessagePolicy
  volumeDevices startupProbe resizePolicy restartPolicy restartPolicyRules
EphemeralContainer: *Container targetContainerName
PodDNSConfigOption: name value
PodDNSConfig: nameservers searches options
HostAlias: ip hostnames
PodOS: name
PodReadinessGate: conditionType
PodResourceClaim: name 3 resourceClaimName resourceClaimTemplateName
PodSchedulingGate: name
Sysctl: name value
PodSecurityContext: seLinuxOptions runAsUser runAsNonRoot supplementalGroups fsGroup runAsGroup sysctls windowsOptions
  fsGroupChangePolicy seccompProfile appArmorProfile supplementalGroupsPolicy seLinuxChangePolicy
Toleration: key operator value effect tolerationSeconds
TopologySpreadConstraint: maxSkew topologyKey whenUnsatisfiable labelSelector minDomains nodeAffinityPolicy
  nodeTaintsPolicy matchLabelKeys
KeyToPath: key path mode
ConfigMapVolumeSource: *LocalObjectReference items defaultMode optional
SecretVolumeSource: secretName items defaultMode optional
EmptyDirVolumeSource: medium sizeLimit
HostPathVolumeSource: path type
DownwardAPIVolumeFile: path fieldRef resourceFieldRef mode
DownwardAPIVolumeSource: items defaultMode
NFSVolumeSource: server path readOnly
PersistentVolumeClaimVolumeSource: claimName readOnly
CSIVolumeSource: driver readOnly fsType volumeAttributes nodePublishSecretRef
ImageVolumeSource: reference pullPolicy
ConfigMapProjection: *LocalObjectReference items 4 optional
SecretProjection: *LocalObjectReference items 4 optional
DownwardAPIProjection: items
ServiceAccountTokenProjection: audience expirationSeconds path
ClusterTrustBundleProjection: name signerName labelSelector path optional
PodCertificateProjection: signerName keyType maxExpirationSeconds credentialBundlePath keyPath certificateChainPath
VolumeProjection: secret downwardAPI configMap serviceAccountToken clusterTrustBundle podCertificate
ProjectedVolumeSource: sources defaultMode
Volume: name *VolumeSource
PodSpec: volumes containers restartPolicy terminationGracePeriodSeconds activeDeadlineSeconds dnsPolicy nodeSelector
  serviceAccountName serviceAccount nodeName hostNetwork hostPID hostIPC securityContext imagePullSecrets hostname
  subdomain affinity schedulerName initContainers automountServiceAccountToken tolerations hostAliases
  priorityClassName priority dnsConfig shareProcessNamespace readinessGates runtimeClassName enableServiceLinks
  preemptionPolicy overhead topologySpreadConstraints ephemeralContainers setHostnameAsFQDN os hostUsers
  schedulingGates resourceClaims resources hostnameOverride
PodTemplateSpec: metadata spec
PodCondition: type status lastProbeTime lastTransitionTime reason message observedGeneration
ContainerStateRunning: startedAt
ContainerStateTerminated: exitCode signal reason message startedAt finishedAt containerID
ContainerStateWaiting: reason message
ContainerState: waiting running terminated
VolumeMountStatus: name mountPath readOnly recursiveReadOnly
ContainerStatus: name state lastState ready restartCount image imageID containerID started allocatedResources
  resources volumeMounts user allocatedResourcesStatus stopSignal
HostIP: ip
PodIP: ip
PodStatus: phase conditions message reason hostIP podIP startTime containerStatuses qosClass initContainerStatuses
  nominatedNodeName podIPs ephemeralContainerStatuses resize resourceClaimStatuses hostIPs observedGeneration
  extendedResourceClaimStatus
Pod: metadata spec status
Taint: key value effect timeAdded
NodeSpec: podCIDR externalID providerID unschedulable taints configSource podCIDRs
NodeAddress: type address
NodeCondition: type status lastHeartbeatTime lastTransitionTime reason message
DaemonEndpoint: Port
NodeDaemonEndpoints: kubeletEndpoint
NodeSystemInfo: machineID systemUUID bootID kernelVersion osImage containerRuntimeVersion kubeletVersion
  kubeProxyVersion operatingSystem architecture swap
ContainerImage: names sizeBytes
AttachedVolume: name devicePath
NodeStatus: capacity allocatable phase conditions addresses daemonEndpoints nodeInfo images volumesInUse
  volumesAttached config runtimeHandlers features
Node: metadata spec status
NamespaceSpec: finalizers
NamespaceCondition: type status 4 lastTransitionTime reason message
NamespaceStatus: phase conditions
Namespace: metadata spec status
ServicePort: name protocol port targetPort nodePort appProtocol
ClientIPConfig: timeoutSeconds
SessionAffinityConfig: clientIP
ServiceSpec: ports selector clusterIP type externalIPs 7 sessionAffinity loadBalancerIP loadBalancerSourceRanges
  externalName externalTrafficPolicy healthCheckNodePort publishNotReadyAddresses sessionAffinityConfig 17
  ipFamilyPolicy clusterIPs ipFamilies allocateLoadBalancerNodePorts loadBalancerClass internalTrafficPolicy
  trafficDistribution
PortStatus: port protocol error
LoadBalancerIngress: ip hostname ipMode ports
LoadBalancerStatus: ingress
ServiceStatus: loadBalancer conditions
Service: metadata spec status
EndpointAddress: ip targetRef hostname nodeName
CoreEndpointPort: name port protocol appProtocol
EndpointSubset: addresses notReadyAddresses ports
Endpoints: metadata subsets
ConfigMap: metadata data binaryData immutable
Secret: metadata data type stringData immutable
ServiceAccount: metadata secrets imagePullSecrets automountServiceAccountToken
EventSeries: count lastObservedTime
EventSource: component host
Event: metadata involvedObject reason message source firstTimestamp lastTimestamp count type eventTime series action
  related reportingComponent reportingInstance
RollingUpdateDeployment: maxUnavailable maxSurge
DeploymentStrategy: type rollingUpdate
DeploymentSpec: replicas selector template strategy minReadySeconds revisionHistoryLimit paused 9
  progressDeadlineSeconds
DeploymentCondition: type status 4 reason message lastUpdateTime lastTransitionTime
DeploymentStatus: observedGeneration replicas updatedReplicas availableReplicas unavailableReplicas conditions
  readyReplicas collisionCount terminatingReplicas
Deployment: metadata spec status
ReplicaSetSpec: replicas selector template minReadySeconds
ReplicaSetCondition: type status lastTransitionTime reason message
ReplicaSetStatus: replicas fullyLabeledReplicas observedGeneration readyReplicas availableReplicas conditions
  terminatingReplicas
ReplicaSet: metadata spec status
RollingUpdateDaemonSet: maxUnavailable maxSurge
DaemonSetUpdateStrategy: type rollingUpdate
DaemonSetSpec: selector template updateStrategy minReadySeconds 6 revisionHistoryLimit
DaemonSetCondition: type status lastTransitionTime reason message
DaemonSetStatus: currentNumberScheduled numberMisscheduled desiredNumberScheduled numberReady observedGeneration
  updatedNumberScheduled numberAvailable numberUnavailable collisionCount conditions
DaemonSet: metadata spec status
ControllerRevision: metadata data revision
EndpointConditions: ready serving terminating
ForZone: name
ForNode: name
EndpointHints: forZones forNodes
Endpoint: addresses conditions hostname targetRef deprecatedTopology nodeName zone hints
EndpointPort: name protocol port appProtocol
EndpointSlice: metadata endpoints ports addressType
LeaseSpec: holderIdentity leaseDurationSeconds acquireTime renewTime leaseTransitions strategy preferredHolder
Lease: metadata spec
ScaleSpec: replicas
ScaleStatus: replicas selector
Scale: metadata spec status
ProbeHandler: exec httpGet tcpSocket grpc
VolumeSource: hostPath emptyDir 6 secret nfs 10 persistentVolumeClaim 16 downwardAPI 19 configMap 26 projected 28 csi 30 image
`;
