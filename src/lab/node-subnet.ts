/** The network of the nodes: what Docker gives to the network named kind, and so what the workshops show. */
export const NODE_SUBNET = '172.18.0.0/16';

/** The same for IPv6, in clusters of both. */
export const NODE_SUBNET_6 = 'fc00:f853:ccd:e793::/64';
