/** Metadata and the types that many kinds share. */
export const META = `
OwnerReference~
  apiVersion! kind! name! uid! controller:bool blockOwnerDeletion:bool
ManagedFieldsEntry
  manager operation apiVersion time:time fieldsType fieldsV1:any subresource
ObjectMeta
  name generateName namespace selfLink uid resourceVersion generation:int64 creationTimestamp:time deletionTimestamp:time
  deletionGracePeriodSeconds:int64 labels:{} annotations:{} ownerReferences:[OwnerReference]<uid> finalizers:[]<>
  managedFields:[ManagedFieldsEntry]
Preconditions
  uid resourceVersion
DeleteOptions
  apiVersion kind gracePeriodSeconds:int64 preconditions:Preconditions orphanDependents:bool propagationPolicy dryRun:[]
  ignoreStoreReadErrorWithClusterBreakingPotential:bool
LabelSelectorRequirement
  key! operator! values:[]
LabelSelector~
  matchLabels:{} matchExpressions:[LabelSelectorRequirement]
Condition
  type! status! observedGeneration:int64 lastTransitionTime:time reason message
LocalObjectReference~
  name
ObjectReference~
  apiVersion kind namespace name uid resourceVersion fieldPath
TypedLocalObjectReference~
  apiGroup kind! name!
TypedObjectReference
  apiGroup kind! name! namespace
`;
