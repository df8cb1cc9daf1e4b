import type { Finding } from '../../core/policy/lint/finding.ts';
import { lintReported, type ReportedCalls } from '../../core/policy/lint/reported.ts';
import { matches } from '../../core/policy/selector.ts';
import type { BreakerList } from '../../http/admin/answers/live.ts';
import type { TimelineAnswer } from '../../http/admin/answers/timeline.ts';
import type { FilePolicy } from '../../sources/file.ts';
import { type AdminClient, AdminError } from '../client/admin.ts';
import { askReplicas, tellUnanswered } from '../client/replicas.ts';
import type { Target } from '../client/target.ts';
import type { Terminal } from '../terminal.ts';

export interface ReportedFinding extends Finding {
  readonly breaker: string;
}

interface Known {
  readonly namespace: string;
  readonly breaker: string;
  readonly reported: ReportedCalls;
}

/**
 * What agents reported to the operator says about policies, in their order: of each breaker that a policy lists in its
 * namespace. Breakers of which too little is known are named on stderr.
 *
 * @throws {CliError} when no replica answers.
 */
export async function reportedFindings(
  target: Target,
  range: TimelineAnswer['range'],
  policies: readonly FilePolicy[],
  terminal: Terminal,
): Promise<ReportedFinding[][]> {
  const wanted = (namespace: string, breaker: string) =>
    policies.some(
      (policy) => policy.namespace === namespace && policy.spec.breakers.some((one) => matches(one, breaker)),
    );
  const { answers, unanswered } = await askReplicas(target, async (admin) => {
    const lists: BreakerList[] = [];
    for (const namespace of new Set(policies.map((policy) => policy.namespace))) {
      lists.push(await admin.get<BreakerList>('/v1/breakers', { namespace }));
    }
    const rows = lists.flatMap(({ items }) => items).filter(({ namespace, breaker }) => wanted(namespace, breaker));
    const known: Known[] = [];
    for (const row of rows) {
      const reported = await reportedOf(admin, row, range);
      if (reported !== undefined) known.push({ namespace: row.namespace, breaker: row.breaker, reported });
    }
    const { replica, others } = lists[0] ?? {};
    return { known, ...(replica !== undefined && { replica }), ...(others !== undefined && { others }) };
  });
  tellUnanswered(unanswered, terminal);
  const all = answers.flatMap(({ known }) => known);
  return policies.map(({ namespace, name, spec }) => {
    const own = all.filter(
      (one) => one.namespace === namespace && spec.breakers.some((each) => matches(each, one.breaker)),
    );
    const breakers = [...new Set(own.map(({ breaker }) => breaker))].sort();
    if (breakers.length === 0) {
      terminal.err.write(`no agent reports a breaker of policy "${name}" in namespace "${namespace}"\n`);
    }
    return breakers.flatMap((breaker) => {
      const found = lintReported(
        spec,
        own.filter((one) => one.breaker === breaker).map(({ reported }) => reported),
      );
      if (found === undefined) {
        terminal.err.write(
          `less than ten minutes of calls of breaker "${breaker}" in namespace "${namespace}" are known\n`,
        );
      }
      return (found ?? []).map((finding) => ({ ...finding, breaker }));
    });
  });
}

/** The complete steps that one replica knows of a breaker; undefined when it keeps none. */
async function reportedOf(
  admin: AdminClient,
  { namespace, breaker, uid, agents }: BreakerList['items'][number],
  range: TimelineAnswer['range'],
): Promise<ReportedCalls | undefined> {
  const path = `/v1/breakers/${namespace}/${encodeURIComponent(breaker)}/timeline`;
  try {
    const { series, latency } = await admin.get<TimelineAnswer>(path, { range, uid });
    const { columns, values, slotMs } = series;
    const at = columns.indexOf('calls');
    const calls = values.filter((_, i) => i % columns.length === at).slice(0, -1);
    return { agents, stepMs: slotMs, calls, boundsMs: latency.boundsMs, latency: latency.values };
  } catch (error) {
    if (error instanceof AdminError && error.status === 404) return undefined;
    throw error;
  }
}
