import { perSecond } from '../../src/core/outages/sentence.ts';
import type { BreakerRow } from '../../src/core/views/breaker-row.ts';
import { count } from './format.ts';
import type { Action, NewOverride } from './overrides.ts';

/** From this number of agents on, an override must be confirmed with the name of its breaker. */
export const MANY_AGENTS = 10;

/** The agents that an override of a breaker affects, by service: `5 checkout and 3 storefront agents`. */
export function affected({ agents, services }: Pick<BreakerRow, 'agents' | 'services'>): string {
  if (agents === 0) return 'no agent at the moment';
  const named = services.map((one) => `${count(one.agents)} ${one.service}`);
  const rest = agents - services.reduce((sum, one) => sum + one.agents, 0);
  if (rest > 0 || named.length === 0) named.push(`${count(rest)}${named.length > 0 ? ' other' : ''}`);
  const last = named.pop()!;
  return `${named.length > 0 ? `${named.join(', ')} and ` : ''}${last} ${agents === 1 ? 'agent' : 'agents'}`;
}

/**
 * What an override does to calls, as sentences.
 *
 * @param rate current calls per second, permitted or refused.
 * @param failed the share of permitted calls that fail, from 0 to 1; undefined without calls.
 */
export function advice(action: Action, rate: number, failed: number | undefined): string[] {
  const calls = rate === 0 ? 'Each call' : `Each call, ${perSecond(rate)} at the moment,`;
  if (action === 'ForceOpen') {
    return [
      `${calls} is refused at once and gets its fallback, or an error where it has none.`,
      'After the end, a few probes decide whether the breaker closes.',
    ];
  }
  if (action === 'ForceClosed') {
    const failing =
      failed === undefined || failed === 0
        ? ''
        : ` ${Math.max(1, Math.round(100 * failed))} % of permitted calls fail now.`;
    return [
      `${calls} reaches the dependency, whatever fails.${failing}`,
      'After the end, the conditions of the policy apply again.',
    ];
  }
  return ['Each agent closes the breaker once and forgets what it counted. It can open again at once.'];
}

/** The same override as a command, for the cluster with kubectl, else with the command line of Fuseboard. */
export function commandOf(kind: string | undefined, namespace: string, name: string, spec: NewOverride): string {
  const { breakers, selector, action, reason, duration } = spec;
  if (kind !== 'kubernetes') {
    const verb = { ForceOpen: 'force-open', ForceClosed: 'force-closed', Reset: 'reset' }[action];
    const labels = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
    return [
      ...['fuseboard', verb, ...breakers.map(quoted), '-n', namespace, '--for', duration],
      ...(labels.length > 0 ? ['-l', quoted(labels.join(','))] : []),
      ...['--reason', quoted(reason)],
    ].join(' ');
  }
  // JSON is YAML. No line of it can be the end of the here-document, because JSON has no line breaks in strings.
  const manifest = {
    apiVersion: 'fuseboard.dev/v1alpha1',
    kind: 'CircuitBreakerOverride',
    metadata: { generateName: `${name}-`, namespace },
    spec,
  };
  return `kubectl create -f - <<'EOF'\n${JSON.stringify(manifest, null, 2)}\nEOF`;
}

const quoted = (text: string) => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
