/** The other kinds of Kubernetes itself: core, apps, discovery.k8s.io, coordination.k8s.io, autoscaling (Scale only). */
export const CORE = `
Taint
  key! value effect!(NoSchedule|PreferNoSchedule|NoExecute) timeAdded:time
NodeSpec
  podCIDR podCIDRs:[]<> providerID unschedulable:bool taints:[Taint] configSource:any externalID
NodeAddress
  type! address!
NodeCondition
  type! status! lastHeartbeatTime:time lastTransitionTime:time reason message
DaemonEndpoint
  Port:int32
NodeDaemonEndpoints
  kubeletEndpoint:DaemonEndpoint
NodeSystemInfo
  machineID systemUUID bootID kernelVersion osImage containerRuntimeVersion kubeletVersion kubeProxyVersion operatingSystem
  architecture swap:any
ContainerImage
  names:[] sizeBytes:int64
AttachedVolume
  name! devicePath!
NodeStatus
  capacity:{quantity} allocatable:{quantity} phase conditions:[NodeCondition]<type> addresses:[NodeAddress]<type>
  daemonEndpoints:NodeDaemonEndpoints nodeInfo:NodeSystemInfo images:[ContainerImage] volumesInUse:[]
  volumesAttached:[AttachedVolume] config:any runtimeHandlers:any features:any
Node
  apiVersion kind metadata:ObjectMeta spec:NodeSpec={} status:NodeStatus
NamespaceSpec
  finalizers:[]
NamespaceCondition
  type! status! lastTransitionTime:time reason message
NamespaceStatus
  phase conditions:[NamespaceCondition]<type>
Namespace
  apiVersion kind metadata:ObjectMeta spec:NamespaceSpec={} status:NamespaceStatus
ServicePort
  name protocol(TCP|UDP|SCTP)=TCP appProtocol port!:int32 targetPort:intOrString nodePort:int32
ClientIPConfig
  timeoutSeconds:int32
SessionAffinityConfig
  clientIP:ClientIPConfig
ServiceSpec
  ports:[ServicePort]<port+protocol> selector:{}~ clusterIP clusterIPs:[]
  type(ClusterIP|NodePort|LoadBalancer|ExternalName)=ClusterIP externalIPs:[] sessionAffinity(ClientIP|None)=None loadBalancerIP
  loadBalancerSourceRanges:[] externalName externalTrafficPolicy(Cluster|Local) healthCheckNodePort:int32
  publishNotReadyAddresses:bool sessionAffinityConfig:SessionAffinityConfig ipFamilies:[]
  ipFamilyPolicy(SingleStack|PreferDualStack|RequireDualStack) allocateLoadBalancerNodePorts:bool loadBalancerClass
  internalTrafficPolicy(Cluster|Local)=Cluster trafficDistribution
PortStatus
  port:int32 protocol error
LoadBalancerIngress
  ip hostname ipMode ports:[PortStatus]
LoadBalancerStatus
  ingress:[LoadBalancerIngress]
ServiceStatus
  loadBalancer:LoadBalancerStatus conditions:[Condition]<type>
Service
  apiVersion kind metadata:ObjectMeta spec:ServiceSpec status:ServiceStatus
EndpointAddress~
  ip! hostname nodeName targetRef:ObjectReference
CoreEndpointPort~
  name port!:int32 protocol(TCP|UDP|SCTP)=TCP appProtocol
EndpointSubset
  addresses:[EndpointAddress] notReadyAddresses:[EndpointAddress] ports:[CoreEndpointPort]
Endpoints
  apiVersion kind metadata:ObjectMeta subsets:[EndpointSubset]
ConfigMap
  apiVersion kind metadata:ObjectMeta immutable:bool data:{} binaryData:{bytes}
Secret
  apiVersion kind metadata:ObjectMeta immutable:bool data:{bytes} stringData:{} type=Opaque
ServiceAccount
  apiVersion kind metadata:ObjectMeta secrets:[ObjectReference]<name> imagePullSecrets:[LocalObjectReference]
  automountServiceAccountToken:bool
EventSeries
  count:int32 lastObservedTime:microTime
EventSource
  component host
Event
  apiVersion kind metadata:ObjectMeta involvedObject!:ObjectReference reason message source:EventSource firstTimestamp:time
  lastTimestamp:time count:int32 type eventTime:microTime series:EventSeries action related:ObjectReference
  reportingComponent reportingInstance
RollingUpdateDeployment
  maxUnavailable:intOrString="25%" maxSurge:intOrString="25%"
DeploymentStrategy
  type(Recreate|RollingUpdate)=RollingUpdate rollingUpdate:RollingUpdateDeployment
DeploymentSpec
  replicas:int32=1 selector!:LabelSelector template!:PodTemplateSpec strategy:DeploymentStrategy^={} minReadySeconds:int32
  revisionHistoryLimit:int32=10 paused:bool progressDeadlineSeconds:int32=600
DeploymentCondition
  type! status! lastUpdateTime:time lastTransitionTime:time reason message
DeploymentStatus
  observedGeneration:int64 replicas:int32 updatedReplicas:int32 readyReplicas:int32 availableReplicas:int32
  unavailableReplicas:int32 terminatingReplicas:int32 conditions:[DeploymentCondition]<type> collisionCount:int32
Deployment
  apiVersion kind metadata:ObjectMeta spec:DeploymentSpec status:DeploymentStatus
ReplicaSetSpec
  replicas:int32=1 minReadySeconds:int32 selector!:LabelSelector template:PodTemplateSpec
ReplicaSetCondition
  type! status! lastTransitionTime:time reason message
ReplicaSetStatus
  replicas:int32 fullyLabeledReplicas:int32 readyReplicas:int32 availableReplicas:int32 terminatingReplicas:int32
  observedGeneration:int64 conditions:[ReplicaSetCondition]<type>
ReplicaSet
  apiVersion kind metadata:ObjectMeta spec:ReplicaSetSpec status:ReplicaSetStatus
RollingUpdateDaemonSet
  maxUnavailable:intOrString=1 maxSurge:intOrString=0
DaemonSetUpdateStrategy
  type(RollingUpdate|OnDelete)=RollingUpdate rollingUpdate:RollingUpdateDaemonSet
DaemonSetSpec
  selector!:LabelSelector template!:PodTemplateSpec updateStrategy:DaemonSetUpdateStrategy={} minReadySeconds:int32
  revisionHistoryLimit:int32=10
DaemonSetCondition
  type! status! lastTransitionTime:time reason message
DaemonSetStatus
  currentNumberScheduled:int32 numberMisscheduled:int32 desiredNumberScheduled:int32 numberReady:int32
  observedGeneration:int64 updatedNumberScheduled:int32 numberAvailable:int32 numberUnavailable:int32 collisionCount:int32
  conditions:[DaemonSetCondition]<type>
DaemonSet
  apiVersion kind metadata:ObjectMeta spec:DaemonSetSpec status:DaemonSetStatus
ControllerRevision
  apiVersion kind metadata:ObjectMeta data:any revision:int64
EndpointConditions
  ready:bool serving:bool terminating:bool
ForZone
  name!
ForNode
  name!
EndpointHints
  forZones:[ForZone] forNodes:[ForNode]
Endpoint
  addresses!:[]<> conditions:EndpointConditions hostname targetRef:ObjectReference deprecatedTopology:{} nodeName zone
  hints:EndpointHints
EndpointPort~
  name protocol port:int32 appProtocol
EndpointSlice
  apiVersion kind metadata:ObjectMeta addressType! endpoints:[Endpoint] ports:[EndpointPort]
LeaseSpec
  holderIdentity leaseDurationSeconds:int32 acquireTime:microTime renewTime:microTime leaseTransitions:int32 strategy
  preferredHolder
Lease
  apiVersion kind metadata:ObjectMeta spec:LeaseSpec
ScaleSpec
  replicas:int32
ScaleStatus
  replicas:int32 selector
Scale
  apiVersion kind metadata:ObjectMeta spec:ScaleSpec status:ScaleStatus
`;
