import { ROLLOUT_STATES } from '../../src/core/fleet/rollout-state.ts';
import { GROUPINGS } from './address.ts';
import { count, plural, words } from './format.ts';
import { Link } from './link.tsx';
import { address, store } from './model.ts';
import type { Rank } from './reading.ts';

/** A summary of the fleet. Each number links to the items that it counts. */
export function Glance() {
  const overview = store.overview.value;
  if (!overview) return null;
  const { breakers, policies, agents } = overview;
  const ranks = store.ranks.value;
  const states: [Rank, string, number][] = [
    ['open', 'open', breakers.open],
    ['half-open', 'half-open', breakers.halfOpen],
    ['shadow-open', 'open in shadow', breakers.shadowOpen],
    ['closed', 'closed', breakers.closed],
  ];
  const moving = ROLLOUT_STATES.filter((state) => state !== 'Programmed' && policies[state]);
  return (
    <section class="glance" aria-label="The fleet at a glance">
      <dl class="group">
        <dt>Breakers</dt>
        {states.map(([rank, name, onAgents]) => {
          const number = ranks[rank] ?? 0;
          return (
            <dd key={rank}>
              <Link
                to={{ view: 'board', state: address.value.state === rank ? undefined : rank }}
                class={`figure ${rank} ${number === 0 ? 'zero' : ''}`}
                title={`${plural(number, 'breaker')} at worst ${name}; ${name} on ${plural(onAgents, 'agent')} in all`}
                aria-current={address.value.state === rank ? 'true' : undefined}
              >
                <b>{count(number)}</b> {name}
              </Link>
            </dd>
          );
        })}
      </dl>
      {address.value.view === 'board' && !address.value.wall && (
        <dl class="group">
          <dt>Grouped by</dt>
          {([undefined, ...GROUPINGS] as const).map((group) => (
            <dd key={group ?? 'none'}>
              <Link to={{ group }} class="figure" aria-current={address.value.group === group ? 'true' : undefined}>
                {group ?? 'nothing'}
              </Link>
            </dd>
          ))}
        </dl>
      )}
      <dl class="group">
        <dt>Policies</dt>
        <dd>
          <Link to={{ view: 'policies' }} class="figure">
            <b>
              {count(policies.Programmed ?? 0)}/{count(policies.total)}
            </b>{' '}
            in force
          </Link>
        </dd>
        {moving.map((state) => (
          <dd key={state}>
            <Link to={{ view: 'policies', search: words(state) }} class={`figure ${tone(state)}`}>
              <b>{count(policies[state]!)}</b> {words(state)}
            </Link>
          </dd>
        ))}
      </dl>
      <dl class="group">
        <dt>Agents</dt>
        <dd>
          <Link to={{ view: 'agents' }} class="figure">
            <b>{count(agents.connected)}</b> connected
          </Link>
        </dd>
        {agents.connecting > 0 && (
          <dd>
            <span class="figure">
              <b>{count(agents.connecting)}</b> connecting
            </span>
          </dd>
        )}
        <dd>
          <Link to={{ view: 'agents', search: 'stale' }} class={`figure ${agents.stale > 0 ? 'half-open' : 'zero'}`}>
            <b>{count(agents.stale)}</b> stale
          </Link>
        </dd>
        <dd>
          <span class={`figure ${agents.rejecting > 0 ? 'open' : 'zero'}`}>
            <b>{count(agents.rejecting)}</b> rejecting
          </span>
        </dd>
      </dl>
    </section>
  );
}

export const tone = (state: string) =>
  state === 'Invalid' || state === 'Rejected' || state === 'Conflicted'
    ? 'open'
    : state === 'PartiallyProgrammed' || state === 'Pending'
      ? 'half-open'
      : '';
