import { useEffect, useState } from 'preact/hooks';
import type { OutageRow } from '../../src/core/outages/outage-row.ts';
import { outageSentence, span } from '../../src/core/outages/sentence.ts';
import { Link } from './link.tsx';
import { store } from './model.ts';

/** The word for an agent, depending on the source of policies. */
const nounOf = (kind: string | undefined) => (kind === 'kubernetes' ? 'pod' : 'process');

export function sentenceOf(outage: OutageRow): string {
  // Every report updates the time in the row, but not that in the outage.
  const heard = store.cells.get(outage.circuit)?.row.value.heard ?? outage.heard;
  const told = heard === undefined ? outage : { ...outage, heard };
  return outageSentence(told, store.known.value, nounOf(store.source.value?.kind));
}

/** The most important current fact, as a sentence that can be read aloud. */
export function Headline() {
  const outages = store.outages.value;
  const [worst, ...others] = outages;
  const last = store.overview.value?.outages.last;
  return (
    <section class={`headline ${worst?.phase ?? 'well'}`} aria-label="What is refused">
      <Announcer outages={outages} />
      {worst !== undefined ? (
        <>
          <p class="sentence">
            <Link to={{ breaker: worst.circuit, policy: undefined, agent: undefined, outage: undefined }}>
              {sentenceOf(worst)}
            </Link>
            .
          </p>
          {others.length > 0 && <Others outages={others} />}
        </>
      ) : (
        <p class="sentence">
          Nothing is refused.
          {last !== undefined && (
            <span class="before">
              {' '}
              <Link to={{ view: 'outages', outage: `${last.namespace}/${last.id}`, breaker: undefined }}>
                {last.breaker} was, for {span(last.closed! - last.began)}, until{' '}
                {span(store.known.value - last.closed!)} ago
              </Link>
              .
            </span>
          )}
        </p>
      )}
    </section>
  );
}

const NAMED = 4;

function Others({ outages }: { outages: readonly OutageRow[] }) {
  return (
    <p class="others">
      {outages.length} more:{' '}
      {outages.slice(0, NAMED).map(({ circuit, breaker, phase, held }, i) => (
        <span key={circuit}>
          {i > 0 && ', '}
          <Link to={{ breaker: circuit, policy: undefined, agent: undefined, outage: undefined }}>{breaker}</Link>
          {phase === 'testing' && ' (tested)'}
          {phase === 'closed' && (held === undefined ? ' (accepted again)' : ' (forced closed)')}
        </span>
      ))}
      {outages.length > NAMED && (
        <>
          {' and '}
          <Link to={{ view: 'outages', breaker: undefined }}>{outages.length - NAMED} others</Link>
        </>
      )}
    </p>
  );
}

/** Announces starts and ends of outages to a screen reader, but not each change of a count. */
function Announcer({ outages }: { outages: readonly OutageRow[] }) {
  const [said, setSaid] = useState('');
  const refused = outages.filter(({ phase }) => phase !== 'closed').map(({ breaker }) => breaker);
  const key = [...refused].sort().join(', ');
  useEffect(() => {
    setSaid(key === '' ? '' : `Refused: ${key}`);
  }, [key]);
  return (
    <span class="aside" role="status">
      {said}
    </span>
  );
}
