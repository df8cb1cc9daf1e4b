import { BlockList, isIP } from 'node:net';
import { isLoopback } from '../../core/loopback.ts';

/**
 * The proxy of the environment for an https URL, by the rules of kubectl: HTTPS_PROXY, except for loopback addresses
 * and the entries of NO_PROXY. These are names with their subdomains, addresses, networks such as 10.0.0.0/8, or * for
 * all. Undefined when no proxy applies.
 */
export function proxyOf(url: string, env: NodeJS.ProcessEnv): string | undefined {
  const proxy = env.HTTPS_PROXY || env.https_proxy;
  const target = URL.parse(url);
  if (!proxy || target?.protocol !== 'https:') return undefined;
  const host = target.hostname.replace(/^\[|\]$/g, '');
  if (isLoopback(host)) return undefined;
  const exceptions = (env.NO_PROXY || env.no_proxy || '').split(',').map((one) => one.trim());
  if (exceptions.some((one) => one !== '' && covers(one, host, target.port || '443'))) return undefined;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

function covers(exception: string, host: string, port: string): boolean {
  if (exception === '*') return true;
  const [network, bits] = exception.split('/') as [string, string?];
  const family = isIP(host);
  if (bits !== undefined) {
    if (family === 0 || isIP(network) !== family || !/^\d{1,3}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128))
      return false;
    const list = new BlockList();
    list.addSubnet(network, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
    return list.check(host, family === 4 ? 'ipv4' : 'ipv6');
  }
  if (isIP(exception) !== 0) return exception === host;
  const [, name, only] = /^\.?(.*?)(?::(\d+))?$/.exec(exception.toLowerCase())!;
  if (only !== undefined && only !== port) return false;
  return host === name ? !exception.startsWith('.') : host.endsWith(`.${name}`);
}
