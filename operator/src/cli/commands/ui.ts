import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Command, Option } from 'commander';
import type { AdminClient } from '../client/admin.ts';
import type { Reach, TargetFlags } from '../client/target.ts';
import { CliError, EXIT_CODES } from '../exit-codes.ts';
import { stopSignal } from '../signals.ts';
import { onTarget, withTarget } from '../target-options.ts';
import type { SetExitCode, Terminal } from '../terminal.ts';

const EXAMPLES = `
Examples:
  fuseboard ui                                          the page of the cluster of the kubeconfig
  fuseboard ui --no-open --port 9000                    print the address and open nothing

The page acts with the rights of the kubeconfig's user. The address holds a secret of this run: whoever has it
and reaches this machine's loopback acts as you, until the command ends.`;

interface Flags extends TargetFlags {
  readonly open: boolean;
  readonly port: string;
}

export function uiCommand({ out }: Terminal, reach: Reach, setExitCode: SetExitCode): Command {
  return withTarget(new Command('ui'))
    .description('Open the page of a cluster in the browser, with the rights of the kubeconfig, until Ctrl-C.')
    .addOption(new Option('--port <port>', 'listen on this port of loopback; 0 takes any free one').default('0'))
    .addOption(new Option('--no-open', 'print the address and start no browser'))
    .addHelpText('after', EXAMPLES)
    .action(async (flags: Flags) => {
      await onTarget(reach, flags, async (target) => {
        const operator = await target.operator();
        await operator.get('/v1/source');
        const secret = randomBytes(24).toString('base64url');
        const server = createServer(proxy(operator, secret));
        await listen(server, flags.port);
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/?session=${secret}`;
        out.write(`the page of ${target.name} is at ${url}\npress Ctrl-C to end\n`);
        if (flags.open) {
          const { default: open } = await import('open');
          await open(url).catch(() => out.write('no browser could be started; open the address yourself\n'));
        }
        await stopSignal();
        server.close();
        server.closeAllConnections();
      });
      setExitCode(EXIT_CODES.ok);
    });
}

async function listen(server: Server, port: string): Promise<void> {
  const portNumber = Number(port);
  if (!Number.isInteger(portNumber) || portNumber < 0 || portNumber > 65_535) {
    throw new CliError(EXIT_CODES.usage, `--port: ${port} is not a port; give a number from 0 to 65535`);
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new CliError(EXIT_CODES.unreachable, `--port: ${error.message}; choose another port`)),
    );
    server.listen(portNumber, '127.0.0.1', resolve);
  });
}

const COOKIE = 'fuseboard-session';

/** Headers that are not forwarded, because they belong to one connection or are set here. */
const OWN_HEADERS = ['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'host', 'cookie', 'authorization'];

/**
 * Forwards requests with the user's token, for the browser that knows the secret of this run. The browser gets the
 * secret once in the URL, and sends it as a cookie from then on. A page of another site can neither read nor send that
 * cookie.
 */
function proxy(operator: AdminClient, secret: string) {
  const holds = (given: string | undefined) =>
    given?.length === secret.length && timingSafeEqual(Buffer.from(given), Buffer.from(secret));

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { host = '' } = request.headers;
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (!/^(127\.0\.0\.1|localhost):\d+$/.test(host)) return refuse(response, 421, 'this address is not served here');
    const given = url.searchParams.get('session');
    if (given !== null) {
      if (!holds(given))
        return refuse(response, 403, 'the address belongs to an earlier run; start fuseboard ui again');
      url.searchParams.delete('session');
      response.writeHead(303, {
        location: `${url.pathname}${url.search}`,
        'set-cookie': `${COOKIE}=${secret}; Path=/; HttpOnly; SameSite=Strict`,
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
      });
      response.end();
      return;
    }
    const { origin } = request.headers;
    if (origin !== undefined && origin !== `http://${host}`)
      return refuse(response, 403, 'requests from another site are refused');
    if (!holds(cookie(request))) return refuse(response, 403, 'open the address that fuseboard ui printed');
    await pass(operator, request, response);
  };
}

async function pass(operator: AdminClient, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const headers = { ...request.headers };
  for (const name of OWN_HEADERS) delete headers[name];
  try {
    Object.assign(headers, await operator.authorization());
  } catch (error) {
    return refuse(response, 502, (error as Error).message);
  }
  const target = new URL(operator.url);
  // The operator compares the Origin header with its own host, so the header must name that host.
  if (headers.origin !== undefined) headers.origin = target.origin;
  const passed = send(new URL(request.url!, target), { method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode!, answer.headers);
    answer.pipe(response);
  });
  passed.on('error', (error) => {
    if (response.headersSent) response.destroy();
    else refuse(response, 502, `cannot reach the operator: ${error.message}`);
  });
  response.on('close', () => passed.destroy());
  request.pipe(passed);
}

function refuse(response: ServerResponse, status: number, error: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error }));
}

function cookie({ headers }: IncomingMessage): string | undefined {
  for (const part of (headers.cookie ?? '').split(';')) {
    const [name, value] = part.trim().split('=');
    if (name === COOKIE) return value;
  }
  return undefined;
}
