/** Pods: what they are made of, and their status. */
export const PODS = `
NodeSelectorRequirement
  key! operator! values:[]
NodeSelectorTerm~
  matchExpressions:[NodeSelectorRequirement] matchFields:[NodeSelectorRequirement]
PreferredSchedulingTerm
  weight!:int32 preference!:NodeSelectorTerm
NodeSelector~
  nodeSelectorTerms!:[NodeSelectorTerm]
NodeAffinity
  requiredDuringSchedulingIgnoredDuringExecution:NodeSelector
  preferredDuringSchedulingIgnoredDuringExecution:[PreferredSchedulingTerm]
PodAffinityTerm
  labelSelector:LabelSelector namespaces:[] topologyKey! namespaceSelector:LabelSelector matchLabelKeys:[] mismatchLabelKeys:[]
WeightedPodAffinityTerm
  weight!:int32 podAffinityTerm!:PodAffinityTerm
PodAffinity
  requiredDuringSchedulingIgnoredDuringExecution:[PodAffinityTerm]
  preferredDuringSchedulingIgnoredDuringExecution:[WeightedPodAffinityTerm]
PodAntiAffinity
  ...PodAffinity
Affinity
  nodeAffinity:NodeAffinity podAffinity:PodAffinity podAntiAffinity:PodAntiAffinity
ConfigMapKeySelector~
  name key! optional:bool
SecretKeySelector~
  name key! optional:bool
FileKeySelector~
  volumeName! path! key! optional:bool
ObjectFieldSelector~
  apiVersion=v1 fieldPath!
ResourceFieldSelector~
  containerName resource! divisor:quantity
EnvVarSource
  fieldRef:ObjectFieldSelector resourceFieldRef:ResourceFieldSelector configMapKeyRef:ConfigMapKeySelector
  secretKeyRef:SecretKeySelector fileKeyRef:FileKeySelector
EnvVar
  name! value valueFrom:EnvVarSource
ConfigMapEnvSource
  name optional:bool
SecretEnvSource
  name optional:bool
EnvFromSource
  prefix configMapRef:ConfigMapEnvSource secretRef:SecretEnvSource
ExecAction
  command:[]
HTTPHeader
  name! value
HTTPGetAction
  path=/ port!:intOrString host scheme(HTTP|HTTPS)=HTTP httpHeaders:[HTTPHeader]
SleepAction
  seconds!:int64
TCPSocketAction
  port!:intOrString host
GRPCAction
  port!:int32 service
LifecycleHandler
  exec:ExecAction httpGet:HTTPGetAction tcpSocket:TCPSocketAction sleep:SleepAction
Lifecycle
  postStart:LifecycleHandler preStop:LifecycleHandler stopSignal
Probe
  exec:ExecAction httpGet:HTTPGetAction tcpSocket:TCPSocketAction grpc:GRPCAction initialDelaySeconds:int32
  timeoutSeconds:int32=1 periodSeconds:int32=10 successThreshold:int32=1 failureThreshold:int32=3
  terminationGracePeriodSeconds:int64
ContainerPort
  name hostPort:int32 containerPort!:int32 protocol(TCP|UDP|SCTP)=TCP hostIP
ContainerResizePolicy
  resourceName! restartPolicy!
ResourceClaim
  name! request
ResourceRequirements
  limits:{quantity} requests:{quantity} claims:[ResourceClaim]<name>
ContainerRestartRuleOnExitCodes
  operator! values:[int32]<>
ContainerRestartRule
  action! exitCodes:ContainerRestartRuleOnExitCodes
AppArmorProfile
  type! localhostProfile
Capabilities
  add:[] drop:[]
SELinuxOptions
  user role type level
SeccompProfile
  type! localhostProfile
WindowsSecurityContextOptions
  gmsaCredentialSpecName gmsaCredentialSpec runAsUserName hostProcess:bool
SecurityContext
  capabilities:Capabilities privileged:bool seLinuxOptions:SELinuxOptions windowsOptions:WindowsSecurityContextOptions
  runAsUser:int64 runAsGroup:int64 runAsNonRoot:bool readOnlyRootFilesystem:bool allowPrivilegeEscalation:bool procMount
  seccompProfile:SeccompProfile appArmorProfile:AppArmorProfile
VolumeDevice
  name! devicePath!
VolumeMount
  name! readOnly:bool recursiveReadOnly mountPath! subPath mountPropagation subPathExpr
Container
  name! image command:[] args:[] workingDir ports:[ContainerPort]<containerPort+protocol> envFrom:[EnvFromSource]
  env:[EnvVar]<name> resources:ResourceRequirements={} resizePolicy:[ContainerResizePolicy] restartPolicy
  restartPolicyRules:[ContainerRestartRule] volumeMounts:[VolumeMount]<mountPath> volumeDevices:[VolumeDevice]<devicePath>
  livenessProbe:Probe readinessProbe:Probe startupProbe:Probe lifecycle:Lifecycle
  terminationMessagePath=/dev/termination-log terminationMessagePolicy(File|FallbackToLogsOnError)=File
  imagePullPolicy(Always|IfNotPresent|Never) securityContext:SecurityContext stdin:bool stdinOnce:bool tty:bool
EphemeralContainer
  ...Container targetContainerName
PodDNSConfigOption
  name value
PodDNSConfig
  nameservers:[] searches:[] options:[PodDNSConfigOption]
HostAlias
  ip! hostnames:[]
PodOS
  name!
PodReadinessGate
  conditionType!
PodResourceClaim
  name! resourceClaimName resourceClaimTemplateName
PodSchedulingGate
  name!
Sysctl
  name! value!
PodSecurityContext
  seLinuxOptions:SELinuxOptions windowsOptions:WindowsSecurityContextOptions runAsUser:int64 runAsGroup:int64
  runAsNonRoot:bool supplementalGroups:[int64] supplementalGroupsPolicy fsGroup:int64 sysctls:[Sysctl] fsGroupChangePolicy
  seccompProfile:SeccompProfile appArmorProfile:AppArmorProfile seLinuxChangePolicy
Toleration
  key operator(Exists|Equal) value effect(NoSchedule|PreferNoSchedule|NoExecute) tolerationSeconds:int64
TopologySpreadConstraint
  maxSkew!:int32 topologyKey! whenUnsatisfiable!(DoNotSchedule|ScheduleAnyway) labelSelector:LabelSelector minDomains:int32
  nodeAffinityPolicy nodeTaintsPolicy matchLabelKeys:[]
KeyToPath
  key! path! mode:int32
ConfigMapVolumeSource
  name items:[KeyToPath] defaultMode:int32=420 optional:bool
SecretVolumeSource
  secretName items:[KeyToPath] defaultMode:int32=420 optional:bool
EmptyDirVolumeSource
  medium sizeLimit:quantity
HostPathVolumeSource
  path! type
DownwardAPIVolumeFile
  path! fieldRef:ObjectFieldSelector resourceFieldRef:ResourceFieldSelector mode:int32
DownwardAPIVolumeSource
  items:[DownwardAPIVolumeFile] defaultMode:int32=420
NFSVolumeSource
  server! path! readOnly:bool
PersistentVolumeClaimVolumeSource
  claimName! readOnly:bool
CSIVolumeSource
  driver! readOnly:bool fsType volumeAttributes:{} nodePublishSecretRef:LocalObjectReference
ImageVolumeSource
  reference pullPolicy
ConfigMapProjection
  name items:[KeyToPath] optional:bool
SecretProjection
  name items:[KeyToPath] optional:bool
DownwardAPIProjection
  items:[DownwardAPIVolumeFile]
ServiceAccountTokenProjection
  audience expirationSeconds:int64=3600 path!
ClusterTrustBundleProjection
  name signerName labelSelector:LabelSelector optional:bool path!
PodCertificateProjection
  signerName! keyType! maxExpirationSeconds:int32 credentialBundlePath keyPath certificateChainPath
VolumeProjection
  secret:SecretProjection downwardAPI:DownwardAPIProjection configMap:ConfigMapProjection
  serviceAccountToken:ServiceAccountTokenProjection clusterTrustBundle:ClusterTrustBundleProjection
  podCertificate:PodCertificateProjection
ProjectedVolumeSource
  sources:[VolumeProjection] defaultMode:int32=420
# The volumes of clouds and storage systems are known by name only: nothing here could mount them.
Volume
  name! hostPath:HostPathVolumeSource emptyDir:EmptyDirVolumeSource secret:SecretVolumeSource nfs:NFSVolumeSource
  persistentVolumeClaim:PersistentVolumeClaimVolumeSource downwardAPI:DownwardAPIVolumeSource configMap:ConfigMapVolumeSource
  projected:ProjectedVolumeSource csi:CSIVolumeSource image:ImageVolumeSource ephemeral:any gcePersistentDisk:any
  awsElasticBlockStore:any gitRepo:any iscsi:any glusterfs:any rbd:any flexVolume:any cinder:any cephfs:any flocker:any
  fc:any azureFile:any vsphereVolume:any quobyte:any azureDisk:any photonPersistentDisk:any portworxVolume:any scaleIO:any
  storageos:any
PodSpec
  volumes:[Volume]<name>^ initContainers:[Container]<name> containers!:[Container]<name>
  ephemeralContainers:[EphemeralContainer]<name> restartPolicy(Always|OnFailure|Never)=Always
  terminationGracePeriodSeconds:int64=30 activeDeadlineSeconds:int64
  dnsPolicy(ClusterFirstWithHostNet|ClusterFirst|Default|None)=ClusterFirst nodeSelector:{}~ serviceAccountName serviceAccount
  automountServiceAccountToken:bool nodeName hostNetwork:bool hostPID:bool hostIPC:bool shareProcessNamespace:bool
  securityContext:PodSecurityContext={} imagePullSecrets:[LocalObjectReference]<name> hostname subdomain affinity:Affinity
  schedulerName=default-scheduler tolerations:[Toleration] hostAliases:[HostAlias]<ip> priorityClassName priority:int32
  dnsConfig:PodDNSConfig readinessGates:[PodReadinessGate] runtimeClassName enableServiceLinks:bool=true preemptionPolicy
  overhead:{quantity} topologySpreadConstraints:[TopologySpreadConstraint]<topologyKey+whenUnsatisfiable>
  setHostnameAsFQDN:bool os:PodOS hostUsers:bool schedulingGates:[PodSchedulingGate]<name>
  resourceClaims:[PodResourceClaim]<name>^ resources:ResourceRequirements hostnameOverride
PodTemplateSpec
  metadata:ObjectMeta spec:PodSpec
PodCondition
  type! observedGeneration:int64 status! lastProbeTime:time lastTransitionTime:time reason message
ContainerStateRunning
  startedAt:time
ContainerStateTerminated
  exitCode:int32 signal:int32 reason message startedAt:time finishedAt:time containerID
ContainerStateWaiting
  reason message
ContainerState
  waiting:ContainerStateWaiting running:ContainerStateRunning terminated:ContainerStateTerminated
VolumeMountStatus
  name! mountPath! readOnly:bool recursiveReadOnly
ContainerStatus
  name! state:ContainerState lastState:ContainerState ready:bool restartCount:int32 image imageID containerID started:bool
  allocatedResources:{quantity} resources:ResourceRequirements volumeMounts:[VolumeMountStatus]<mountPath> user:any
  allocatedResourcesStatus:any stopSignal
HostIP
  ip!
PodIP
  ip!
PodStatus
  observedGeneration:int64 phase(Pending|Running|Succeeded|Failed|Unknown) conditions:[PodCondition]<type> message reason
  nominatedNodeName hostIP hostIPs:[HostIP] podIP podIPs:[PodIP]<ip> startTime:time initContainerStatuses:[ContainerStatus]
  containerStatuses:[ContainerStatus] qosClass ephemeralContainerStatuses:[ContainerStatus] resize
  resourceClaimStatuses:any extendedResourceClaimStatus:any
Pod
  apiVersion kind metadata:ObjectMeta spec:PodSpec status:PodStatus
`;
