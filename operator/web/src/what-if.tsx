import { useState } from 'preact/hooks';
import type { BreakerRow } from '../../src/core/views/breaker-row.ts';
import type { PolicyRow } from '../../src/core/views/policy-row.ts';
import { Block, Problem } from './panel.tsx';

interface Props {
  readonly row: BreakerRow;
  readonly policy: PolicyRow;
}

type Loaded = typeof import('./what-if/what-if-panel.tsx');

/** Offers to replay the past of a breaker with other numbers. What that takes is loaded when it is asked for. */
export function WhatIf({ row, policy }: Props) {
  const [loaded, setLoaded] = useState<Loaded | undefined>(undefined);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const open = async () => {
    setProblem(undefined);
    try {
      setLoaded(await import('./what-if/what-if-panel.tsx'));
    } catch {
      // After an upgrade of the operator, the page in the browser names files that are gone.
      setProblem('This part of the page could not be loaded. Reload the page.');
    }
  };
  return (
    <Block title="What if">
      {loaded ? (
        <loaded.WhatIfPanel row={row} policy={policy} />
      ) : (
        <p class="buttons left">
          <button type="button" onClick={open}>
            Try other numbers …
          </button>
        </p>
      )}
      <Problem text={problem} />
    </Block>
  );
}
