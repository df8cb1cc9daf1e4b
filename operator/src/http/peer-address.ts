import type { Socket } from 'node:net';

/**
 * The remote address of a connection; empty once it is closed. A dual-stack port reports IPv4 addresses as
 * `::ffff:10.0.0.1`; they are returned as `10.0.0.1`, as on an IPv4 port.
 */
export const peerAddress = ({ remoteAddress = '' }: Pick<Socket, 'remoteAddress'>): string =>
  remoteAddress.replace(/^::ffff:(?=\d+\.)/, '');
