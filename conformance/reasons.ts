import type { Observation } from './sequence.ts';
import type { Trace } from './trace.ts';

/** Why a library does something else than ours, and how such a difference is told from any other. */
export interface Reason {
  readonly text: string;
  /** The difference does not change the course of things: the replay continues. Absent: it ends with the difference. */
  readonly continues?: true;
  explains(trace: Trace): boolean;
}

export const endsAtNextCall: Reason = {
  text: 'still shows open once its time is over, until a call comes',
  continues: true,
  explains: (t) => t.states('half-open', 'open') && t.ours.admission === undefined,
};

export const openThroughLastInstant = (openMs: number): Reason => ({
  text: 'is still open at the very instant at which its time is over',
  continues: true,
  explains: (t) => t.theirs.state === 'open' && t.ours.admission === undefined && isLastInstant(t, openMs),
});

export const rejectsInLastInstant = (openMs: number): Reason => ({
  text: 'rejects at the very instant at which its time is over',
  explains: (t) => t.theirs.admission === 'rejected' && t.ours.admission === 'admitted' && isLastInstant(t, openMs),
});

const isLastInstant = (t: Trace, openMs: number) => t.now === t.times[t.lastInto('theirs', 'open')]! + openMs;

export const ignoredClosesHalfOpen: Reason = {
  text: 'an error that is not to count closes it, or counts as one good probe (defect 5)',
  explains: (t) =>
    t.states('half-open', 'closed') &&
    t.endedAfter(t.lastInto('ours', 'half-open')).some(({ outcome }) => outcome === 'ignored'),
};

export const ignoredEndsRun = (failures: number): Reason => ({
  text: 'an error that is not to count ends a run of failures',
  explains: (t) => t.states('open', 'closed') && runContains(t, failures, (outcome) => outcome === 'ignored'),
});

/** Whether, among the outcomes that hold the last so many failures, there is one of another kind. */
function runContains(t: Trace, failures: number, matches: (outcome: string) => boolean): boolean {
  const outcomes = t.endedAfter(t.since('ours')).reverse();
  let seen = 0;
  for (const { outcome } of outcomes) {
    if (outcome === 'failure') seen++;
    if (seen >= failures) return false;
    if (matches(outcome)) return true;
  }
  return false;
}

export const lateSuccessCloses: Reason = {
  text: 'a call of an earlier state closes it when it ends well (defect 1)',
  explains: (t) => {
    const late = t.lateAfter(t.index - 1);
    return (
      t.theirs.state === 'closed' && t.ours.state !== 'closed' && late.some(({ outcome }) => outcome !== 'failure')
    );
  },
};

export const lateFailureOpens: Reason = {
  text: 'a call of an earlier state that fails opens it, or makes its open time longer (defect 1)',
  explains: (t) => {
    const late = t.lateAfter(t.lastInto('ours', t.ours.state === 'half-open' ? 'open' : t.ours.state) - 1);
    return t.theirs.state === 'open' && t.ours.state !== 'open' && late.some(({ outcome }) => outcome === 'failure');
  },
};

export const admitsAllInHalfOpen: Reason = {
  text: 'lets every caller through while half-open',
  explains: (t) =>
    t.oursBefore.state === 'half-open' && t.ours.admission === 'rejected' && t.theirs.admission === 'admitted',
};

export const waitsInHalfOpen: Reason = {
  text: 'keeps callers waiting while a probe is under way (defects 2 and 8)',
  explains: (t) =>
    t.oursBefore.state === 'half-open' && t.ours.admission === 'rejected' && t.theirs.admission === 'waiting',
};

export const countsProbesInAll: Reason = {
  text: 'limits the probes of a half-open time in all, not those under way at once',
  explains: (t) =>
    t.oursBefore.state === 'half-open' &&
    t.theirsBefore.state === 'half-open' &&
    t.ours.admission === 'admitted' &&
    t.theirs.admission === 'rejected' &&
    t.endedAfter(t.lastInto('theirs', 'half-open')).length > 0,
};

export const onlyFailuresTrip: Reason = {
  text: 'looks at its rate only after a failure, so that a success that completes the minimum does not trip',
  explains: (t) => t.states('open', 'closed') && t.oursBefore.state === 'closed' && t.outcome === 'success',
};

export interface Rate {
  readonly percent: number;
  readonly minimum: number;
  readonly windowMs: number;
}

export const notAtThreshold = ({ percent, minimum }: Rate): Reason => ({
  text: 'opens above its threshold, not at it',
  explains: (t) =>
    t.states('open', 'closed') &&
    t.outcome === 'failure' &&
    t.theirs.calls >= minimum &&
    t.theirs.failures * 100 === percent * t.theirs.calls,
});

/** A difference that is no wonder, because the library decides rightly by its rule on counts that are not ours. */
const byItsCounts = ({ percent, minimum }: Rate, text: string, because: (t: Trace) => boolean): Reason => ({
  text,
  explains: (t) => {
    const { calls, failures } = t.theirs;
    const trips = calls >= minimum && failures * 100 > percent * calls;
    const differs = t.ours.calls !== calls || t.ours.failures !== failures;
    const decided = t.outcome === 'failure' && (trips ? t.states('closed', 'open') : t.states('open', 'closed'));
    return decided && differs && because(t);
  },
});

export const countsRejections = (rate: Rate) =>
  byItsCounts(rate, 'counts rejected calls in its rate (defect 4)', (t) => t.rejectedWithin(rate.windowMs) > 0);

/** gobreaker empties its counts as it opens, so what decided is what it showed before, and this failure. */
export const countsInBucketOfBeginning = ({ percent, minimum }: Rate): Reason => ({
  text: 'counts a call when it began, not when it ended',
  explains: (t) => {
    const emptied = t.states('closed', 'open') ? t.theirsBefore : undefined;
    const { calls, failures } = emptied ? { calls: emptied.calls + 1, failures: emptied.failures + 1 } : t.theirs;
    const trips = calls >= minimum && failures * 100 >= percent * calls;
    const differs = t.ours.calls !== calls || t.ours.failures !== failures;
    const tookTime = t.endedAfter(-1).some(({ began, ended }) => t.times[began]! !== t.times[ended]!);
    return (
      t.outcome === 'failure' && (trips ? emptied !== undefined : t.states('open', 'closed')) && differs && tookTime
    );
  },
});

export const countsUnderWay = (rate: Rate) =>
  byItsCounts(rate, 'counts calls at their beginning', (t) => t.underWay() > 0 || beganInOtherBucket(t, rate.windowMs));

const beganInOtherBucket = (t: Trace, windowMs: number) =>
  t
    .endedAfter(-1)
    .some(({ began, ended }) => t.times[ended]! > t.now - windowMs && t.times[began]! !== t.times[ended]!);

export const countsIgnored = (rate: Rate) =>
  byItsCounts(rate, 'counts errors that are not to count as calls', (t) =>
    t.endedAfter(-1).some(({ outcome, ended }) => outcome === 'ignored' && t.times[ended]! > t.now - rate.windowMs),
  );

export const countsBeforeClose = (rate: Rate) =>
  byItsCounts(rate, 'keeps what it counted before it closed (defect 3)', (t) => {
    const closed = t.lastInto('ours', 'closed');
    return closed > 0 && t.times[closed]! > t.now - rate.windowMs;
  });

export const countsClosingProbe = (rate: Rate) =>
  byItsCounts(rate, 'counts the probe that closed it among the calls after', (t) => {
    const closed = t.lastInto('theirs', 'closed');
    return closed > 0 && t.allTheirs[closed]!.calls === 1;
  });

export const countsTooOld = (rate: Rate) =>
  byItsCounts(
    rate,
    'still counts calls older than its window, because only one part of it is emptied at a time (defect 3)',
    (t) => {
      const inside = t
        .endedAfter(t.lastInto('theirs', 'closed'))
        .filter(({ ended }) => t.times[ended]! > t.now - rate.windowMs);
      return t.theirs.calls > inside.filter(({ outcome }) => outcome !== 'ignored').length;
    },
  );

/**
 * aiomisc opens, while it passes, when all of ten buckets are at its ratio, and while it recovers when a quarter is.
 */
const bucketsTrip = ({ state, buckets = [], ratio = 0 }: Observation): boolean => {
  return state === 'half-open' ? ratio >= 0.25 : buckets.length === 10 && ratio >= 1;
};

export const decidesAtNextCall: Reason = {
  text: 'finds out at the next call that it has to open',
  continues: true,
  explains: (t) => {
    const opened = t.lastInto('ours', 'open');
    const called = t.steps.findLastIndex((step) => step.do === 'begin') > opened;
    return opened >= 0 && !called && t.theirs.state !== 'open' && bucketsTrip(t.allTheirs[opened]!);
  },
};

export const firstOfRecoveryRejected: Reason = {
  text: 'never lets the first call of a recovery through',
  continues: true,
  explains: (t) =>
    t.theirsBefore.state === 'open' &&
    t.states('half-open', 'half-open') &&
    t.ours.admission === 'admitted' &&
    t.theirs.admission === 'rejected',
};

export const closesAtCallAfterRecovery = (recoveryMs: number): Reason => ({
  text: 'closes at the first call after its recovery; ours when one has ended, if one went well',
  continues: true,
  explains: (t) =>
    (t.states('half-open', 'closed') || t.states('closed', 'half-open')) &&
    t.ours.admission === t.theirs.admission &&
    t.now >= t.times[t.lastInto('theirs', 'half-open')]! + recoveryMs,
});

export const opensByBuckets: Reason = {
  text: 'opens only when each of ten buckets is at its ratio, not by the rate of all calls',
  explains: (t) => t.ours.state !== 'closed' && t.theirs.state === 'closed' && !bucketsTrip(t.theirs),
};

export const opensByFewCalls: Reason = {
  text: 'opens when each of its buckets is at its ratio, however few calls they hold or how long ago it filled ten',
  explains: (t) => {
    const { buckets = [], ratio = 0 } = t.theirsBefore;
    return (
      t.ours.state !== 'open' &&
      t.theirs.state === 'open' &&
      t.step.do === 'begin' &&
      buckets.length === 10 &&
      ratio >= 1
    );
  },
};

export const reopensByBuckets: Reason = {
  text: 'opens again when a quarter of its buckets is at its ratio, however few calls they hold',
  explains: (t) =>
    t.theirsBefore.state === 'half-open' &&
    t.theirs.state === 'open' &&
    t.ours.state !== 'open' &&
    t.step.do === 'begin' &&
    (t.theirsBefore.ratio ?? 0) >= 0.25,
};
