/** Calico's own kinds and its operator's, with the fields that Calico 3.32 has. */
export const CALICO = `
FelixConfigurationSpec
  allowIPIPPacketsFromWorkloads:bool allowVXLANPacketsFromWorkloads:bool awsSrcDstCheck(DoNothing|Enable|Disable)
  bpfAttachType(TC|TCX) bpfCTLBLogFilter bpfConnectTimeLoadBalancing(TCP|Enabled|Disabled)
  bpfConnectTimeLoadBalancingEnabled:bool bpfConntrackLogLevel(Off|Debug) bpfConntrackMode(Auto|Userspace|BPFProgram)
  bpfConntrackTimeouts:any bpfDSROptoutCIDRs:[] bpfDataIfacePattern bpfDisableGROForIfaces bpfDisableUnprivileged:bool
  bpfEnabled:bool bpfEnforceRPF bpfExcludeCIDRsFromNAT:[] bpfExportBufferSizeMB:int32 bpfExtToServiceConnmark:int32
  bpfExternalServiceMode bpfForceTrackPacketsFromIfaces:[] bpfHostConntrackBypass:bool
  bpfHostNetworkedNATWithoutCTLB(Enabled|Disabled) bpfJITHardening bpfKubeProxyHealthzPort:int32
  bpfKubeProxyIptablesCleanupEnabled:bool bpfKubeProxyMinSyncPeriod bpfL3IfacePattern bpfLogFilters:{} bpfLogLevel
  bpfMaglevMaxEndpointsPerService:int32 bpfMaglevMaxServices:int32 bpfMapSizeConntrack:int32
  bpfMapSizeConntrackCleanupQueue:int32 bpfMapSizeConntrackScaling bpfMapSizeIPSets:int32 bpfMapSizeIfState:int32
  bpfMapSizeNATAffinity:int32 bpfMapSizeNATBackend:int32 bpfMapSizeNATFrontend:int32 bpfMapSizePerCpuConntrack:int32
  bpfMapSizeRoute:int32 bpfPSNATPorts:intOrString bpfPolicyDebugEnabled:bool bpfProfiling(Enabled|Disabled)
  bpfRedirectToPeer(Enabled|Disabled) cgroupV2Path chainInsertMode dataplaneDriver dataplaneWatchdogTimeout
  debugDisableLogDropping:bool debugHost debugMemoryProfilePath debugPort:int32 debugSimulateCalcGraphHangAfter
  debugSimulateDataplaneApplyDelay debugSimulateDataplaneHangAfter defaultEndpointToHostAction deviceRouteProtocol:int32
  deviceRouteSourceAddress deviceRouteSourceAddressIPv6 disableConntrackInvalidCheck:bool endpointReportingDelay
  endpointReportingEnabled:bool endpointStatusPathPrefix externalNodesList:[] failsafeInboundHostPorts:[any]
  failsafeOutboundHostPorts:[any] featureDetectOverride featureGates floatingIPs(Enabled|Disabled)
  flowLogsCollectorDebugTrace:bool flowLogsFlushInterval flowLogsGoldmaneServer flowLogsLocalReporter(Disabled|Enabled)
  flowLogsPolicyEvaluationMode(None|Continuous) genericXDPEnabled:bool goGCThreshold:int32 goMaxProcs:int32
  goMemoryLimitMB:int32 healthEnabled:bool healthHost healthPort:int32 healthTimeoutOverrides:[any] interfaceExclude
  interfacePrefix interfaceRefreshInterval ipForwarding(Enabled|Disabled) ipipEnabled:bool ipipMTU:int32
  ipsetsRefreshInterval iptablesBackend(Legacy|NFT|Auto) iptablesFilterAllowAction iptablesFilterDenyAction
  iptablesLockProbeInterval iptablesMangleAllowAction iptablesMarkMask:int64 iptablesNATOutgoingInterfaceFilter
  iptablesPostWriteCheckInterval iptablesRefreshInterval ipv4ElevatedRoutePriority:int32 ipv4NormalRoutePriority:int32
  ipv6ElevatedRoutePriority:int32 ipv6NormalRoutePriority:int32 ipv6Support:bool istioAmbientMode(Enabled|Disabled)
  istioDSCPMark:intOrString kubeNodePortRanges:[intOrString] liveMigrationRouteConvergenceTime logActionRateLimit
  logActionRateLimitBurst:int32 logDebugFilenameRegex logFilePath logPrefix logSeverityFile logSeverityScreen logSeveritySys
  maxIpsetSize:int32 metadataAddr metadataPort:int32 mtuIfacePattern natOutgoingAddress
  natOutgoingExclusions(IPPoolsOnly|IPPoolsAndHostIPs) natPortRange:intOrString netlinkTimeout nftablesFilterAllowAction
  nftablesFilterDenyAction nftablesMangleAllowAction nftablesMarkMask:int64 nftablesMode(Disabled|Enabled|Auto)
  nftablesRefreshInterval nodeSelector openstackRegion policySyncPathPrefix programClusterRoutes(Enabled|Disabled)
  prometheusGoMetricsEnabled:bool prometheusMetricsCAFile prometheusMetricsCertFile prometheusMetricsClientAuth
  prometheusMetricsEnabled:bool prometheusMetricsHost prometheusMetricsKeyFile prometheusMetricsPort:int32
  prometheusProcessMetricsEnabled:bool prometheusWireGuardMetricsEnabled:bool removeExternalRoutes:bool reportingInterval
  reportingTTL requireMTUFile:bool routeRefreshInterval routeSource routeSyncDisabled:bool routeTableRange:any
  routeTableRanges:[any] serviceLoopPrevention sidecarAccelerationEnabled:bool usageReportingEnabled:bool
  usageReportingInitialDelay usageReportingInterval useInternalDataplaneDriver:bool vxlanEnabled:bool vxlanMTU:int32
  vxlanMTUV6:int32 vxlanPort:int32 vxlanVNI:int32 windowsManageFirewallRules(Enabled|Disabled) wireguardEnabled:bool
  wireguardEnabledV6:bool wireguardHostEncryptionEnabled:bool wireguardInterfaceName wireguardInterfaceNameV6
  wireguardKeepAlive wireguardListeningPort:int32 wireguardListeningPortV6:int32 wireguardMTU:int32 wireguardMTUV6:int32
  wireguardRoutingRulePriority:int32 wireguardThreadingEnabled:bool workloadSourceSpoofing xdpEnabled:bool
  xdpRefreshInterval
FelixConfiguration
  apiVersion kind metadata:ObjectMeta spec:FelixConfigurationSpec
IPPoolSpec
  cidr! vxlanMode(Always|CrossSubnet|Never) ipipMode(Always|CrossSubnet|Never) natOutgoing:bool disabled:bool
  disableBGPExport:bool blockSize:int32 nodeSelector namespaceSelector allowedUses:[](Workload|Tunnel|LoadBalancer)
  assignmentMode(Automatic|Manual)
IPPool
  apiVersion kind metadata:ObjectMeta spec:IPPoolSpec
BlockAffinitySpec
  state! node! type cidr! deleted
BlockAffinity
  apiVersion kind metadata:ObjectMeta spec:BlockAffinitySpec
AllocationAttribute
  handle_id secondary:{} alternateOwnerAttrs:{}
IPAMBlockSpec
  cidr! affinity affinityClaimTime:time strictAffinity:bool allocations:[any] unallocated:[int32] attributes:[AllocationAttribute]
  deleted:bool sequenceNumber:int64 sequenceNumberForAllocation:{int64}
IPAMBlock
  apiVersion kind metadata:ObjectMeta spec:IPAMBlockSpec
# No default in here: kubectl compares the list of a custom resource as a whole, and would see a difference at every apply.
OperatorIPPool
  name cidr! encapsulation(IPIPCrossSubnet|IPIP|VXLAN|VXLANCrossSubnet|None) natOutgoing(Enabled|Disabled) nodeSelector
  blockSize:int32 disableBGPExport:bool disableNewAllocations:bool allowedUses:[] assignmentMode
NodeAddressAutodetection
  firstFound:bool kubernetes(NodeInternalIP) interface skipInterface canReach cidrs:[]
CalicoNetworkSpec
  linuxDataplane(Iptables|BPF|VPP|Nftables) windowsDataplane(HNS|Disabled) bgp(Enabled|Disabled)
  clusterRoutingMode(BIRD|Felix) ipPools:[OperatorIPPool] mtu:int32 nodeAddressAutodetectionV4:NodeAddressAutodetection
  nodeAddressAutodetectionV6:NodeAddressAutodetection hostPorts(Enabled|Disabled) multiInterfaceMode(None|Multus)
  containerIPForwarding(Enabled|Disabled) sysctl:[any] linuxPolicySetupTimeoutSeconds:int32
  bpfNetworkBootstrap(Disabled|Enabled) kubeProxyManagement(Disabled|Enabled)
CNISpec
  type!(Calico|GKE|AmazonVPC|AzureVNET) ipam:any binDir confDir
# What shapes the operator's own workloads is known by name only: here there are none.
InstallationSpec
  variant(Calico|TigeraSecureEnterprise) calicoNetwork:CalicoNetworkSpec cni:CNISpec registry imagePath imagePrefix
  imagePullSecrets:[any] kubernetesProvider controlPlaneReplicas:int32 controlPlaneNodeSelector:{} controlPlaneTolerations:[any]
  typhaMetricsPort:int32 nodeMetricsPort:int32 typhaAffinity:any flexVolumePath kubeletVolumePluginPath nodeUpdateStrategy:any
  componentResources:[any] certificateManagement:any nonPrivileged calicoNodeDaemonSet:any csiNodeDriverDaemonSet:any
  calicoKubeControllersDeployment:any typhaDeployment:any calicoWindowsUpgradeDaemonSet:any calicoNodeWindowsDaemonSet:any
  fipsMode(Enabled|Disabled) logging:any windowsNodes:any serviceCIDRs:[] azure:any proxy:any tlsCipherSuites:[any]
InstallationStatus
  variant mtu:int32 imageSet computed:any calicoVersion conditions:[Condition]
Installation
  apiVersion kind metadata:ObjectMeta spec:InstallationSpec status:InstallationStatus
APIServerSpec
  apiServerDeployment:any calicoWebhooksDeployment:any logging:any
APIServerStatus
  state conditions:[Condition]
APIServer
  apiVersion kind metadata:ObjectMeta spec:APIServerSpec status:APIServerStatus
TigeraStatusStatus
  conditions:[Condition]
TigeraStatus
  apiVersion kind metadata:ObjectMeta spec:any status:TigeraStatusStatus
`;
