import { latencyBoundMs } from '@fuseboard/schema/defaults';
import { linkAnnotation, linkFor, type PolicyLink } from '../../src/core/policy/links.ts';
import { SLOTS } from '../../src/core/slots.ts';
import type { AgentBreakerRow } from '../../src/core/views/agent-row.ts';
import type { BreakerRow } from '../../src/core/views/breaker-row.ts';
import type { PolicyRow } from '../../src/core/views/policy-row.ts';
import type { PolicyAgents } from '../../src/http/admin/answers/policies.ts';
import { Changes } from './changes.tsx';
import { Chart } from './chart.tsx';
import { COARSE_MS, count, duration, latency, percent, plural } from './format.ts';
import { sentenceOf } from './headline.tsx';
import { Link } from './link.tsx';
import { address, store } from './model.ts';
import { Block, Panel, Problem } from './panel.tsx';
import { RangeChoice, ZoomTools } from './plot-tools.tsx';
import { conditions, counted, measuredOf, plotOf, quantile, rankOf } from './reading.ts';
import { Steering } from './steering.tsx';
import type { Cell } from './store.ts';
import { beginning, STATE_WORDS, whom, why } from './tile.tsx';
import { BreakerTimeline } from './timeline.tsx';
import { useAnswer } from './use-answer.ts';
import { WhatIf } from './what-if.tsx';

/** The panel of one breaker under one policy: its plot, thresholds, affected agents and recent changes. */
export function BreakerPanel({ id }: { id: string }) {
  void store.ranked.value;
  const cell = store.cells.get(id);
  if (!cell) {
    return (
      <Panel title="Gone" kind="breaker">
        <p>No agent reports this breaker any more, or its policy is gone.</p>
      </Panel>
    );
  }
  return <Known cell={cell} />;
}

function Known({ cell }: { cell: Cell }) {
  const row = cell.row.value;
  const policy = store.policyOf(row);
  const { thresholds } = policy ?? {};
  const slot = store.slot.value;
  const plot = plotOf(cell.ring, slot, store.slotMs, thresholds, row.agents, SLOTS);
  const rank = rankOf(row);
  const reason = why(row);
  const { range = '5m', zoom } = address.value;
  const windowMs = thresholds?.windowMs ?? 10_000;
  const sums = counted(cell.ring, slot, store.slotMs, windowMs);
  return (
    <Panel title={row.breaker} kind="breaker">
      <p class="lead">
        <span class={`badge ${rank}`}>{STATE_WORDS[rank]}</span> for {duration(store.known.value - beginning(row))}
        {reason && (
          <>
            {row.outage?.phase === 'closed' ? ', ' : ', because of '}
            <b>{reason}</b>
          </>
        )}
        {row.outage && (
          <>
            <br />
            {sentenceOf(row.outage)}.{' '}
            <Link to={{ outage: `${row.outage.namespace}/${row.outage.id}`, breaker: undefined, policy: undefined }}>
              The outage so far
            </Link>
          </>
        )}
        <br />
        {row.lastError && (
          <>
            Last failure: <b>{row.lastError.name}</b>: {row.lastError.message}
            <br />
          </>
        )}
        {whom(row)} · data {duration(store.now.value - row.heard)} old
      </p>
      <p>
        {policy ? (
          <Link to={{ breaker: undefined, policy: `${policy.namespace}/${policy.name}` }}>
            policy {policy.namespace}/{policy.name}
          </Link>
        ) : (
          <>No policy governs it in namespace {row.namespace}: the defaults in the code apply.</>
        )}
      </p>
      {policy?.links && <Links links={policy.links} row={row} />}
      <Steering
        row={row}
        rate={((sums.calls + sums.rejected) * 1_000) / windowMs}
        failed={sums.calls === 0 ? undefined : sums.failed / sums.calls}
      />
      <Block title={range === '5m' ? `Sums of ${duration(windowMs)}, all agents` : 'Calls per second, all agents'}>
        <RangeChoice />
        {range === '5m' ? (
          <Chart
            plot={plot}
            measured={measuredOf(thresholds)}
            until={store.now.value}
            slotMs={store.slotMs}
            zoom={zoom}
          />
        ) : (
          <BreakerTimeline key={range} row={row} policy={policy} range={range} />
        )}
        {range === '5m' && zoom !== undefined && (
          <ZoomTools whole={{ from: store.now.value - SLOTS * store.slotMs, until: store.now.value }} />
        )}
      </Block>
      <Conditions cell={cell} policy={policy} />
      {policy?.thresholds && <WhatIf row={row} policy={policy} />}
      {range === '5m' && <Latency buckets={row.latency} />}
      {policy && <Hit policy={policy} row={row} />}
      <Block title="What happened">
        <Changes changes={row.changes.map((change) => ({ ...change, breaker: undefined }))} />
      </Block>
    </Panel>
  );
}

/** The links in the annotations of the policy. */
function Links({ links, row }: { links: readonly PolicyLink[]; row: BreakerRow }) {
  return (
    <p class="links">
      {links.map(({ kind, url }) =>
        url === undefined ? (
          <span key={kind} class="word half-open">
            {linkAnnotation(kind)} is no http or https URL
          </span>
        ) : (
          <a key={kind} href={linkFor(url, row)} target="_blank" rel="noopener noreferrer" class="choice">
            {kind} ↗
          </a>
        ),
      )}
    </p>
  );
}

function Conditions({ cell, policy }: { cell: Cell; policy: PolicyRow | undefined }) {
  const { thresholds } = policy ?? {};
  const windowMs = thresholds?.windowMs ?? 10_000;
  const sums = counted(cell.ring, store.slot.value, store.slotMs, windowMs);
  const facts: [string, string][] = [
    ['calls', count(sums.calls)],
    ['failed', `${count(sums.failed)} (${percent(sums.failed, sums.calls)})`],
    ['slow', `${count(sums.slow)} (${percent(sums.slow, sums.calls)})`],
    ['refused', count(sums.rejected)],
  ];
  return (
    <Block title="Against its threshold">
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p class="opens">
        {thresholds
          ? `Opens, in each process by itself, at ${conditions(thresholds).join(', or ')}.`
          : policy
            ? 'The policy has no trip: it never opens by itself.'
            : 'What opens it is in the code, and not known here.'}
        {policy?.openDuration !== undefined && ` Stays open ${policy.openDuration}.`}
      </p>
    </Block>
  );
}

/** The last bucket that the clock of agents cannot distinguish from smaller ones. */
const COARSE = Math.log2(COARSE_MS / latencyBoundMs(0));

function Latency({ buckets }: { buckets: readonly number[] }) {
  if (buckets.length === 0) return null;
  const coarse = buckets.slice(0, COARSE + 1).reduce((sum, calls) => sum + calls, 0);
  const shown = [coarse, ...buckets.slice(COARSE + 1)];
  const most = Math.max(...shown);
  return (
    <Block title="Latency of the last minute">
      <p>
        p50 {latency(quantile(buckets, 0.5))}, p95 {latency(quantile(buckets, 0.95))}, p99{' '}
        {latency(quantile(buckets, 0.99))}, each the upper end of its bucket
      </p>
      <ol class="histogram">
        {shown.map((calls, i) => {
          const below = latency(latencyBoundMs(COARSE + i));
          return (
            <li key={below} title={`${plural(calls, 'call')}: ${below}`}>
              <span class="bar" style={{ height: `${Math.max(calls > 0 ? 4 : 0, (100 * calls) / most)}%` }} />
              <span class="name">{below}</span>
            </li>
          );
        })}
      </ol>
    </Block>
  );
}

function Hit({ policy, row }: { policy: PolicyRow; row: BreakerRow }) {
  const path = `v1/policies/${policy.namespace}/${encodeURIComponent(policy.name)}/agents`;
  const { value, problem } = useAnswer<PolicyAgents>(path);
  const having = (value?.items ?? []).flatMap((agent) => {
    const breaker = agent.breakers.find(({ name }) => name === row.breaker);
    return breaker ? [{ agent, breaker }] : [];
  });
  return (
    <Block title="On which agents">
      <Problem text={problem} />
      <table>
        <thead>
          <tr>
            <th>agent</th>
            <th>state</th>
            <th class="right">failed since start</th>
            <th class="right">refused since start</th>
          </tr>
        </thead>
        <tbody>
          {having.slice(0, 100).map(({ agent, breaker }) => (
            <tr key={agent.boot}>
              <td>
                <Link to={{ breaker: undefined, agent: `${policy.namespace}/${agent.boot}` }}>{agent.instance}</Link>
                {agent.state !== 'live' && <em> {agent.state}</em>}
              </td>
              <td>
                <State breaker={breaker} />
              </td>
              <td class="right">{count(breaker.totals.failed)}</td>
              <td class="right">{count(breaker.totals.rejected)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {value && value.total > value.items.length && (
        <p class="more">
          The first {value.items.length} of {count(value.total)}.
        </p>
      )}
    </Block>
  );
}

export const State = ({ breaker }: { breaker: AgentBreakerRow }) => {
  const rank = rankOf(breaker);
  return (
    <span class="state">
      <span class={`badge small ${rank}`}>{STATE_WORDS[rank]}</span> {duration(breaker.sinceMs)}
    </span>
  );
};
