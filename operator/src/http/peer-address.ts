import type { Socket } from 'node:net';

/**
 * Where a connection comes from; empty once it is closed. A port of IPv6 that takes IPv4 too shows addresses of IPv4 as
 * `::ffff:10.0.0.1`; they are told as `10.0.0.1`, as on a port of IPv4.
 */
export const peerAddress = ({ remoteAddress = '' }: Pick<Socket, 'remoteAddress'>): string =>
  remoteAddress.replace(/^::ffff:(?=\d+\.)/, '');
