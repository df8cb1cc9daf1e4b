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
}

/** The ports that the demo takes when they are free. */
export const USUAL_PORTS: Ports = { agents: 8700, metrics: 8701, admin: 8702, partner: 8710, offer: 8711 };

/** Operator, partner and offer service, each a process of its own, on a copy of the policies that may be edited. */
export class Board {
  readonly ports: Ports;
  /** The folder that the operator watches. */
  readonly policies: string;
  readonly children: Children;
  readonly #folder: string;
  readonly #ended = new AbortController();

  constructor(ports: Ports, line: (name: string, line: string) => void) {
    this.ports = ports;
    this.children = new Children(line);
    const cache = fileURLToPath(new URL('.cache/', ROOT));
    mkdirSync(cache, { recursive: true });
    this.#folder = mkdtempSync(join(cache, 'offer-demo-'));
    this.policies = join(this.#folder, 'policies');
    cpSync(POLICIES, this.policies, { recursive: true });
  }

  get partnerUrl(): string {
    return `http://${HOST}:${this.ports.partner}`;
  }

  get offerUrl(): string {
    return `http://${HOST}:${this.ports.offer}`;
  }

  /** The file to edit. */
  get policyFile(): string {
    return join(this.policies, 'partner-offer.yaml');
  }

  /**
   * Starts the three processes, the operator first, so that no service has to retry its connection.
   *
   * @returns their pids, once each of them answers.
   */
  async start(): Promise<Record<string, number>> {
    const { agents, metrics, admin, partner, offer } = this.ports;
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
    await answers(`${this.partnerUrl}/switch`);
    const offerPid = this.children.start('offer', new URL('offer.ts', import.meta.url), [], {
      PORT: `${offer}`,
      PARTNER_URL: this.partnerUrl,
      FUSEBOARD_URL: `http://${HOST}:${agents}`,
      FUSEBOARD_SERVICE: 'offer',
      FUSEBOARD_CACHE_DIR: join(this.#folder, 'cache'),
    });
    await answers(`${this.offerUrl}/offer/circuit`);
    return { operator, partner: partnerPid, offer: offerPid };
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

/** @returns ports that are free now, the wanted ones where possible. */
export async function choosePorts(preferred: Partial<Ports>): Promise<Ports> {
  const port = (name: keyof Ports) => freePort(preferred[name]);
  return {
    agents: await port('agents'),
    metrics: await port('metrics'),
    admin: await port('admin'),
    partner: await port('partner'),
    offer: await port('offer'),
  };
}
