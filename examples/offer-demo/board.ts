import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseDocument } from 'yaml';
import { freePort, HOST } from './address.ts';
import { Children } from './children.ts';
import { until } from './until.ts';

const ROOT = new URL('../../', import.meta.url);
const POLICIES = new URL('policies/', import.meta.url);

/** How long the processes may take until all of them answer, in milliseconds. */
const START_MS = 60_000;

export interface Ports {
  readonly agents: number;
  readonly metrics: number;
  readonly admin: number;
  readonly partner: number;
  readonly offer: number;
  readonly pythonPartner: number;
  readonly pythonOffer: number;
}

/** The ports that the demo takes when they are free. */
export const USUAL_PORTS: Ports = {
  agents: 8700,
  metrics: 8701,
  admin: 8702,
  partner: 8710,
  offer: 8711,
  pythonPartner: 8720,
  pythonOffer: 8721,
};

/** A partner and the offer service that calls it. */
export interface Pair {
  readonly language: 'Node' | 'Python';
  readonly partnerUrl: string;
  readonly offerUrl: string;
}

/**
 * Operator, partner and offer service, each a process of its own, on a copy of the policies that may be edited; the
 * same two services in Python beside them where a program of Python is given.
 */
export class Board {
  readonly ports: Ports;
  /** The folder that the operator watches. */
  readonly policies: string;
  readonly children: Children;
  readonly #folder: string;
  readonly #ended = new AbortController();
  readonly #python: string | undefined;
  readonly #recording: string | undefined;

  /**
   * @param line takes every line that a process writes.
   * @param python the program that runs the services in Python. Absent: there are none.
   * @param recording the file in which the service in Node records its calls. Absent: none.
   */
  constructor(ports: Ports, line: (name: string, line: string) => void, python?: string, recording?: string) {
    this.#python = python;
    this.#recording = recording;
    this.ports = ports;
    this.children = new Children(line);
    const cache = fileURLToPath(new URL('.cache/', ROOT));
    mkdirSync(cache, { recursive: true });
    this.#folder = mkdtempSync(join(cache, 'offer-demo-'));
    this.policies = join(this.#folder, 'policies');
    cpSync(POLICIES, this.policies, { recursive: true });
  }

  /** The services that run: those in Node first. */
  get pairs(): readonly [Pair, ...Pair[]] {
    const { partner, offer, pythonPartner, pythonOffer } = this.ports;
    const node: Pair = { language: 'Node', partnerUrl: url(partner), offerUrl: url(offer) };
    if (this.#python === undefined) return [node];
    return [node, { language: 'Python', partnerUrl: url(pythonPartner), offerUrl: url(pythonOffer) }];
  }

  /** The file to edit. */
  get policyFile(): string {
    return join(this.policies, 'partner-offer.yaml');
  }

  /**
   * Starts the processes, the operator first, so that no service has to retry its connection.
   *
   * @returns their pids, once each of them answers.
   */
  async start(): Promise<Record<string, number>> {
    const { agents, metrics, admin, partner, offer, pythonPartner, pythonOffer } = this.ports;
    const [node, python] = this.pairs;
    const lost = new Promise<never>((_resolve, reject) => {
      this.children.onLost = (name, how) => reject(new Error(`${name} ended too early: ${how}`));
    });
    const answers = (url: string) => {
      const look = async () => (await fetch(url)).ok;
      const answered = until(`an answer of ${url}`, look, { within: START_MS, signal: this.#ended.signal });
      return Promise.race([answered, lost]);
    };

    const operator = this.children.start('operator', new URL('operator/src/main.ts', ROOT), [
      ...['serve', '--policies', this.policies, '--agent-auth', 'none', '--log-format', 'pretty'],
      ...['--port', `${agents}`, '--metrics-port', `${metrics}`, '--admin-port', `${admin}`],
    ]);
    await answers(`http://${HOST}:${metrics}/readyz`);
    const partnerPid = this.children.start('partner', new URL('partner.ts', import.meta.url), [], {
      PORT: `${partner}`,
    });
    await answers(`${node.partnerUrl}/switch`);
    const environment = (pair: Pair, port: number, service: string) => ({
      PORT: `${port}`,
      PARTNER_URL: pair.partnerUrl,
      FUSEBOARD_URL: url(agents),
      FUSEBOARD_SERVICE: service,
      FUSEBOARD_CACHE_DIR: join(this.#folder, 'cache', service),
    });
    const offerPid = this.children.start('offer', new URL('offer.ts', import.meta.url), [], {
      ...environment(node, offer, 'offer'),
      ...(this.#recording === undefined ? {} : { FUSEBOARD_RECORD: this.#recording }),
    });
    await answers(`${node.offerUrl}/offer/circuit`);
    const pids = { operator, partner: partnerPid, offer: offerPid };
    if (this.#python === undefined || python === undefined) return pids;

    const start = (name: string, file: string, env: Record<string, string>) =>
      this.children.startPython(name, this.#python!, new URL(`python/${file}`, import.meta.url), {
        ...env,
        PYTHONPATH: fileURLToPath(new URL('agent-python/src', ROOT)),
      });
    const pyPartner = start('partner.py', 'partner.py', { PORT: `${pythonPartner}` });
    await answers(`${python.partnerUrl}/switch`);
    const pyOffer = start('offer.py', 'offer.py', environment(python, pythonOffer, 'offer-python'));
    await answers(`${python.offerUrl}/offer/circuit`);
    return { ...pids, 'partner.py': pyPartner, 'offer.py': pyOffer };
  }

  /** Writes a number into the policy's trip, as an editor would. */
  edit(field: string, value: number): void {
    const document = parseDocument(readFileSync(this.policyFile, 'utf8'));
    document.setIn(['spec', 'trip', field], value);
    writeFileSync(this.policyFile, document.toString());
  }

  /** Ends the processes and removes the copy. */
  async end(): Promise<void> {
    this.#ended.abort();
    await this.children.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const url = (port: number) => `http://${HOST}:${port}`;

/** @returns ports that are free now, the wanted ones where possible. */
export async function choosePorts(preferred: Partial<Ports>): Promise<Ports> {
  const port = (name: keyof Ports) => freePort(preferred[name]);
  return {
    agents: await port('agents'),
    metrics: await port('metrics'),
    admin: await port('admin'),
    partner: await port('partner'),
    offer: await port('offer'),
    pythonPartner: await port('pythonPartner'),
    pythonOffer: await port('pythonOffer'),
  };
}
