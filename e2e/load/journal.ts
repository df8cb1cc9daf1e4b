import { type Quantiles, quantiles } from './quantiles.ts';

/** What one agent saw, by the clock that all processes of a machine share, in ms. */
export interface Journal {
  /** When it was in step with an operator; without `to`, still. */
  readonly streams: { readonly from: number; to?: number }[];
  /** Since when it ran which edit of the watched policy. */
  readonly edits: (readonly [at: number, edit: number])[];
}

/** An edit of the watched policy; their numbers grow. */
export interface Edit {
  readonly edit: number;
  /** When it was written. */
  readonly at: number;
}

/** How long an edit may take to an agent whose stream is there all the time. */
const PUSHED_WITHIN_MS = 10_000;

/** What the journals say of a run in which replicas were killed. */
export interface Verdict {
  /** Sentences; none when all is well. */
  readonly violations: readonly string[];
  /** From an edit to its being in force, or a later one, where the stream was there all the time. */
  readonly pushed: Quantiles;
  /** From the loss of a stream to the next. */
  readonly away: Quantiles;
}

/**
 * Whether pushes never stopped: every edit came, itself or a later one, to every agent that kept its stream for long
 * enough, there was always such an agent, and no agent ever ran an older edit again.
 */
export function judge(journals: readonly Journal[], edits: readonly Edit[], withinMs = PUSHED_WITHIN_MS): Verdict {
  const violations: string[] = [];
  const times: number[] = [];
  for (const { edit, at } of edits) {
    let got = 0;
    let late = 0;
    for (const journal of journals) {
      const kept = journal.streams.some(({ from, to = Infinity }) => from <= at && to >= at + withinMs);
      const came = journal.edits.find(([, ran]) => ran >= edit)?.[0];
      const took = came === undefined ? Infinity : came - at;
      if (took <= withinMs) got += 1;
      else if (kept) late += 1;
      if (kept && took < Infinity) times.push(took);
    }
    if (late > 0) violations.push(`edit ${edit}: ${late} agents with a stream did not run it within ${withinMs} ms`);
    if (got === 0) violations.push(`edit ${edit}: no agent ran it within ${withinMs} ms`);
  }
  const back = journals.filter(({ edits: ran }) => ran.some(([, edit], i) => i > 0 && edit < ran[i - 1]![1])).length;
  if (back > 0) violations.push(`${back} agents ran an older edit after a newer one`);
  const away = journals.flatMap(({ streams }) => streams.slice(1).map(({ from }, i) => from - streams[i]!.to!));
  return { violations, pushed: quantiles(times), away: quantiles(away) };
}
