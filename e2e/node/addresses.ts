/** The addresses of a cluster. They exist only in network namespaces that lead nowhere else. */
export const API_SERVER = '10.200.0.1';
export const API_SERVICE = '10.96.0.1';
export const DNS_SERVICE = '10.96.0.10';
export const SERVICES = '10.96.0.0/16';
export const PODS = '10.244.0.0/16';

export const nodeAddress = (node: number) => `10.200.0.${node}`;
export const podsOf = (node: number) => `10.244.${node}.0/24`;
