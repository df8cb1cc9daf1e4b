/** The addresses of a cluster. They exist only in network namespaces that lead nowhere else. */
export interface Addresses {
  readonly family: 'IPv4' | 'IPv6';
  readonly apiServer: string;
  /** The first address of the services. */
  readonly apiService: string;
  readonly dnsService: string;
  readonly services: string;
  readonly pods: string;
  /** What listens on every address. */
  readonly any: string;
  /** The route to everywhere. */
  readonly everywhere: string;
  node(node: number): string;
  /** The address of a node, with the length of the prefix that all nodes share. */
  nodeInNetwork(node: number): string;
  podsOf(node: number): string;
}

const IPV4: Addresses = {
  family: 'IPv4',
  apiServer: '10.200.0.1',
  apiService: '10.96.0.1',
  dnsService: '10.96.0.10',
  services: '10.96.0.0/16',
  pods: '10.244.0.0/16',
  any: '0.0.0.0',
  everywhere: '0.0.0.0/0',
  node: (node) => `10.200.0.${node}`,
  nodeInNetwork: (node) => `10.200.0.${node}/24`,
  podsOf: (node) => `10.244.${node}.0/24`,
};

const IPV6: Addresses = {
  family: 'IPv6',
  apiServer: 'fd00:200::1',
  apiService: 'fd00:96::1',
  dnsService: 'fd00:96::a',
  services: 'fd00:96::/112',
  pods: 'fd00:244::/48',
  any: '::',
  everywhere: '::/0',
  node: (node) => `fd00:200::${node}`,
  nodeInNetwork: (node) => `fd00:200::${node}/64`,
  podsOf: (node) => `fd00:244:0:${node}::/64`,
};

export const addressesOf = (family: Addresses['family']): Addresses => (family === 'IPv6' ? IPV6 : IPV4);

/** The host of a URL. */
export const inUrl = (address: string): string => (address.includes(':') ? `[${address}]` : address);
