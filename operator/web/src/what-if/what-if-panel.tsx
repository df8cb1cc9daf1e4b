import type { PolicySpec } from '@fuseboard/schema/types';
import { useMemo, useState } from 'preact/hooks';
import type { BreakerRow } from '../../../src/core/views/breaker-row.ts';
import type { PolicyRow } from '../../../src/core/views/policy-row.ts';
import type { PolicyDetail } from '../../../src/http/admin/answers/policies.ts';
import type { TimelineAnswer } from '../../../src/http/admin/answers/timeline.ts';
import { CopyText } from '../copy-text.tsx';
import { duration } from '../format.ts';
import { address, store } from '../model.ts';
import { Problem } from '../panel.tsx';
import { useAnswer } from '../use-answer.ts';
import { yaml } from '../yaml.ts';
import { Apply } from './apply.tsx';
import { Bands } from './bands.tsx';
import { Fields } from './fields.tsx';
import { limitsOf } from './limits.ts';
import { type Edits, edited, fieldsOf, numbersOf, patchOf } from './numbers.ts';
import { replay } from './replay.ts';
import { type Compared, sentenceOf, unknowns } from './sentences.ts';
import { stepsOf } from './steps.ts';
import { ResultTable } from './what-if-table.tsx';

const RANGES = { '1h': '1 h', '24h': '24 h' } as const;
type Range = keyof typeof RANGES;

interface Props {
  readonly row: BreakerRow;
  readonly policy: PolicyRow;
}

/** The last hour or day of a breaker, replayed with edited numbers beside what happened. */
export function WhatIfPanel({ row, policy }: Props) {
  const { namespace, breaker, uid } = row;
  const [range, setRange] = useState<Range>(address.peek().range === '24h' ? '24h' : '1h');
  const [edits, setEdits] = useState<Edits>({});
  const [processes, setProcesses] = useState(Math.max(1, row.agents));
  /** Whether edited numbers were applied; until the next edit, the policy is read again every second. */
  const [applied, setApplied] = useState(false);
  const query = new URLSearchParams({ range, ...(uid !== undefined && { uid }) });
  const timeline = useAnswer<TimelineAnswer>(
    `v1/breakers/${namespace}/${encodeURIComponent(breaker)}/timeline?${query}`,
    range === '1h' ? 5_000 : 30_000,
  );
  const path = `v1/policies/${policy.namespace}/${encodeURIComponent(policy.name)}`;
  const detail = useAnswer<PolicyDetail>(path, applied ? 1_000 : 10_000);
  const spec = detail.value?.problems.length === 0 ? (detail.value.spec as PolicySpec) : undefined;
  // The answer is a new object every time, and mostly the same policy.
  const text = JSON.stringify(spec);
  const compared = useMemo(
    () => timeline.value && spec && compare(timeline.value, spec, edits, processes),
    [timeline.value, text, edits, processes],
  );
  const changed = spec && Object.keys(patchOf(spec, edits)).length > 0;
  return (
    <div class="what-if">
      <p class="buttons left ranges">
        {Object.entries(RANGES).map(([own, name]) => (
          <button
            key={own}
            type="button"
            class="choice"
            aria-pressed={own === range}
            aria-label={`Replay the last ${name}`}
            onClick={() => setRange(own as Range)}
          >
            {name}
          </button>
        ))}
        <button type="button" disabled={!changed} onClick={() => setEdits({})}>
          As in force
        </button>
      </p>
      <Problem text={timeline.problem ?? detail.problem} />
      {spec && (
        <Fields
          fields={fieldsOf(spec)}
          edits={edits}
          onEdit={(field, value) => {
            setApplied(false);
            setEdits({ ...edits, [field]: value });
          }}
          processes={processes}
          onProcesses={setProcesses}
        />
      )}
      {compared ? (
        <>
          <p role="status">{sentenceOf(compared, changed === true)}</p>
          <Bands compared={compared} />
          <ResultTable compared={compared} />
          <details>
            <summary>What sums of {duration(compared.steps.stepMs)} cannot say</summary>
            <ul class="sentences">
              {unknowns(compared, processes).map((sentence) => (
                <li key={sentence}>{sentence}</li>
              ))}
            </ul>
          </details>
        </>
      ) : (
        timeline.problem === undefined && <p aria-busy="true">Reading …</p>
      )}
      <p class="more" role="status">
        {applied && `Applied to ${policy.namespace}/${policy.name}; agents take it now.`}
      </p>
      {spec && changed && (
        <Result
          {...{ path, policy, spec, edits }}
          generation={detail.value!.generation}
          onApplied={() => setApplied(true)}
        />
      )}
    </div>
  );
}

function compare(answer: TimelineAnswer, spec: PolicySpec, edits: Edits, processes: number): Compared {
  const [numbers, wanted] = [numbersOf(spec)!, numbersOf(edited(spec, edits))!];
  const happened = stepsOf(answer, numbers.slowerThanMs);
  const steps = stepsOf(answer, numbers.slowerThanMs, wanted.slowerThanMs);
  return {
    ...{ spec, numbers, wanted, happened, steps },
    latencyStepMs: answer.latency.slotMs,
    asItIs: replay(happened, numbers, processes),
    withEdits: replay(steps, wanted, processes),
    // A policy with a circuit for each key says nothing about which calls one of them sees.
    ...(spec.perKey === undefined && { limits: limitsOf(steps, wanted, processes) }),
  };
}

interface ResultProps {
  /** The path of the policy in the admin API. */
  readonly path: string;
  readonly policy: PolicyRow;
  readonly generation: number;
  readonly spec: PolicySpec;
  readonly edits: Edits;
  readonly onApplied: () => void;
}

/** The policy with the edited numbers, to save or to apply. */
function Result({ path, policy, spec, edits, generation, onApplied }: ResultProps) {
  const { namespace, name } = policy;
  const wanted = edited(spec, edits);
  const whole = {
    ...{ apiVersion: 'fuseboard.dev/v1alpha1', kind: 'CircuitBreakerPolicy' },
    ...{ metadata: { name, namespace }, spec: wanted },
  };
  const text = `${yaml(whole).trimStart()}\n`;
  const patch = JSON.stringify({ spec: patchOf(spec, edits) });
  const command = `kubectl patch circuitbreakerpolicies.fuseboard.dev ${name} -n ${namespace} --type merge -p '${patch}'`;
  return (
    <>
      <h4>The edited policy</h4>
      <CopyText key={text} text={text} what="YAML" />
      {store.source.value?.kind === 'kubernetes' ? (
        <>
          <Apply path={path} policy={`${namespace}/${name}`} edited={wanted} {...{ generation, spec, onApplied }} />
          <p class="more">
            The YAML has no labels and annotations of the policy. This command changes the numbers and nothing else:
          </p>
          <CopyText key={command} text={command} what="command" />
        </>
      ) : (
        <p class="more">Save it in place of the policy. Labels and annotations of the policy are not in it.</p>
      )}
    </>
  );
}
