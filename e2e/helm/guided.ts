import { type Cluster, startCluster } from '../cluster/cluster.ts';
import type { AgentProcess } from '../processes/agent.ts';
import type { OperatorProcess } from '../processes/operator.ts';
import { Installed, SYSTEM } from './installed.ts';
import { Reader } from './reader.ts';
import { StandIn } from './stand-in.ts';

/** A cluster with a namespace `shop` whose operator is installed by the reader of a guide. */
export class Guided {
  readonly cluster: Cluster;
  readonly reader: Reader;
  operator: OperatorProcess | undefined;
  /** The one that a test starts; ends with the rest. */
  agent: AgentProcess | undefined;
  #standIn: StandIn | undefined;

  private constructor(cluster: Cluster, reader: Reader) {
    this.cluster = cluster;
    this.reader = reader;
  }

  static async start(): Promise<Guided> {
    const cluster = await startCluster();
    await cluster.namespace('shop');
    return new Guided(cluster, await Reader.of(cluster));
  }

  /** Runs the block that installs and waits, while what it installs is started on this machine. */
  async install(
    block: string,
    start: (installed: Installed) => Promise<OperatorProcess>,
  ): Promise<{ readonly output: string; readonly installed: Installed }> {
    // Nodes would reach the operator by the name of its service; here it is localhost.
    const installing = this.reader.run(block.replace(/--set image/, "--set 'tls.dnsNames={localhost}' --set image"));
    const [output, installed] = await Promise.all([installing, this.#run(start)]);
    return { output, installed };
  }

  async #run(start: (installed: Installed) => Promise<OperatorProcess>): Promise<Installed> {
    const installed = await Installed.found(this.cluster);
    this.operator = await start(installed);
    const told: Record<string, string> = {
      FUSEBOARD_URL: `https://localhost:${this.operator.agentsPort}`,
      NODE_EXTRA_CA_CERTS: installed.file('ca.crt'),
    };
    const environment = (name: string, value: string) => told[name] ?? value;
    this.#standIn = new StandIn({ cluster: this.cluster, namespace: SYSTEM, environment });
    return installed;
  }

  async stop(): Promise<void> {
    await this.agent?.end();
    await this.#standIn?.stop();
    await this.operator?.end();
    await this.cluster.stop();
  }
}
