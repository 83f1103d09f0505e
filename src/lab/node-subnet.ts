/** The network of the nodes: what Docker gives to the network named kind, and so what the workshops show. */
export const NODE_SUBNET = '172.18.0.0/16';
