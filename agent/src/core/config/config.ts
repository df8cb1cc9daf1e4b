import { BREAKER_PATTERN, DEFAULTS } from '@fuseboard/schema/defaults';
import { parseDuration } from '@fuseboard/schema/duration';
import { LABEL_KEY_PATTERN, tooDeep, violations } from '@fuseboard/schema/rules';
import type { Classification, OutcomeMatch } from '../classify.ts';
import { type TripThresholds, tripThresholds } from '../trip.ts';
import { type CallConfig, readCallConfig } from './call-config.ts';
import { type FieldError, Section } from './spec-reader.ts';

/** The configuration of a breaker: a policy with its defaults filled in. Times are in milliseconds. */
export interface Config {
  readonly mode: 'Enforce' | 'Shadow' | 'Disabled';
  /** `onUpdate: Reset`: a breaker that comes under this spec starts closed and empty. */
  readonly resetOnUpdate: boolean;
  readonly windowType: 'Time' | 'Count' | 'Ewma';
  /** The length of a Time window, or the half-life of an Ewma window; 0 with Count. */
  readonly windowMs: number;
  /** The number of calls in a Count window; 0 with any other. */
  readonly windowSize: number;
  /** At most `windowSize` with a Count window. */
  readonly minimumCalls: number;
  readonly trip: TripThresholds;
  /** A call that takes longer is slow; 0: no call is. */
  readonly slowMs: number;
  readonly openMs: number;
  /** The factor by which each consecutive open time is longer than the one before. */
  readonly backoffFactor: number;
  readonly maxOpenMs: number;
  readonly jitterPercent: number;
  readonly honorRetryAfter: boolean;
  readonly strategy: 'Probes' | 'Ramp';
  readonly evaluate: 'AnyFailure' | 'FailureRate';
  readonly rampMs: number;
  readonly maxProbes: number;
  readonly successThreshold: number;
  readonly probeTimeoutMs: number;
  /** 0: no time limit. */
  readonly timeoutMs: number;
  readonly call: CallConfig;
  readonly classification: Classification;
}

/** The configuration of a valid spec, or the first problem of an invalid one. */
export type CompileResult = { readonly ok: true; readonly config: Config } | ({ readonly ok: false } & FieldError);

const NON_EMPTY_TEXT = /^.{1,256}$/s;
const STATUS = /^[1-5]([0-9]{2}|xx)$/;
const LABEL_KEY = new RegExp(LABEL_KEY_PATTERN);
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const ROUTE = new RegExp(BREAKER_PATTERN);
const MILLION = 1_000_000;

/**
 * Compiles a spec, of a policy or of the defaults in code, which may lack `breakers` and `selector`. Unknown fields are
 * ignored; an invalid value of a known field makes the spec invalid. The spec is neither stored nor changed. Never
 * throws on a value from JSON.
 */
export function compile(spec: unknown): CompileResult {
  const tooDeepMessage = tooDeep(spec);
  if (tooDeepMessage !== undefined) return { ok: false, field: 'spec', message: tooDeepMessage };
  const root = new Section(spec ?? null, 'spec');
  const config = read(root);
  const [problem] = root.problems;
  if (problem !== undefined) return { ok: false, ...problem };
  const [violation] = violations(spec as object);
  if (violation !== undefined) return { ok: false, field: `spec.${violation.field}`, message: violation.message };
  return { ok: true, config };
}

function read(root: Section): Config {
  readAudience(root);
  const trip = root.section('trip');
  const window = trip.section('window');
  const absentWindow = { type: DEFAULTS.trip.window.type, ms: absentMs(DEFAULTS.trip.window.duration) };
  const windowType = trip.has('window') ? readWindowType(window) : absentWindow.type;
  const windowMs = trip.has('window') ? 0 : absentWindow.ms;
  const windowSize = window.whole('size', 100_000, 0);
  const minimumCalls = trip.whole('minimumCalls', MILLION, DEFAULTS.trip.minimumCalls);
  const recovery = root.section('recovery');
  const halfOpen = recovery.section('halfOpen');
  const absent = DEFAULTS.recovery.halfOpen;
  const slow = trip.section('slowCallRate');
  if (trip.has('slowCallRate')) slow.require('slowerThan');
  return {
    mode: root.choice('mode', ['Enforce', 'Shadow', 'Disabled'], DEFAULTS.mode),
    resetOnUpdate: root.choice<'Preserve' | 'Reset'>('onUpdate', ['Preserve', 'Reset'], DEFAULTS.onUpdate) === 'Reset',
    windowType,
    windowMs: window.duration(windowType === 'Ewma' ? 'halfLife' : 'duration', windowMs),
    windowSize,
    minimumCalls: windowType === 'Count' ? Math.min(minimumCalls, windowSize) : minimumCalls,
    trip: tripThresholds(({ field, isRate }) => (isRate ? readRate(trip, field) : trip.whole(field, MILLION, 0))),
    slowMs: slow.duration('slowerThan', 0),
    openMs: recovery.duration('openDuration', absentMs(DEFAULTS.recovery.openDuration)),
    backoffFactor: recovery.whole('backoffFactor', 10, DEFAULTS.recovery.backoffFactor),
    maxOpenMs: recovery.duration('maxOpenDuration', absentMs(DEFAULTS.recovery.maxOpenDuration)),
    jitterPercent: recovery.whole('jitterPercent', 100, DEFAULTS.recovery.jitterPercent, 0),
    honorRetryAfter: recovery.flag('honorRetryAfter', DEFAULTS.recovery.honorRetryAfter),
    strategy: halfOpen.choice('strategy', ['Probes', 'Ramp'], absent.strategy),
    evaluate: halfOpen.choice('evaluate', ['AnyFailure', 'FailureRate'], absent.evaluate),
    rampMs: halfOpen.duration('rampDuration', absentMs(absent.rampDuration)),
    maxProbes: halfOpen.whole('maxProbes', 1_000, absent.maxProbes),
    successThreshold: halfOpen.whole('successThreshold', 1_000, absent.successThreshold),
    probeTimeoutMs: halfOpen.duration('probeTimeout', absentMs(absent.probeTimeout)),
    timeoutMs: root.section('timeout').duration('duration', 0),
    call: readCallConfig(root),
    classification: readClassification(root.section('classify')),
  };
}

/** Validates `breakers` and `selector`, which the operator evaluates. */
function readAudience(root: Section): void {
  const names = root.texts('breakers', 64, ROUTE, 'a breaker name, a prefix followed by *, or *');
  if (names !== undefined && (names.length === 0 || new Set(names).size !== names.length)) {
    const message = names.length === 0 ? 'must name at least one breaker' : 'must not name a breaker twice';
    root.problems.push({ field: 'spec.breakers', message });
  }
  const selector = root.section('selector');
  const labels = selector.section('matchLabels');
  for (const key of labels.names()) labels.text(key, LABEL_VALUE, 'a label value');
  for (const requirement of selector.sections('matchExpressions', 16)) {
    requirement.require('key', 'operator');
    requirement.text('key', LABEL_KEY, 'a label key');
    requirement.choice('operator', ['In', 'NotIn', 'Exists', 'DoesNotExist'], 'In');
    requirement.texts('values', 64, LABEL_VALUE, 'a label value');
  }
}

function readWindowType(window: Section): Config['windowType'] {
  window.require('type');
  return window.choice('type', ['Time', 'Count', 'Ewma'], 'Time');
}

function readRate(trip: Section, name: string): number {
  const rate = trip.section(name);
  if (trip.has(name)) rate.require('thresholdPercent');
  return rate.whole('thresholdPercent', 100, 0);
}

function readClassification(classify: Section): Classification {
  return {
    failure: readMatch(classify.section('failure'), DEFAULTS.classify.failure.httpStatus),
    ignore: readMatch(classify.section('ignore'), []),
  };
}

function readMatch(section: Section, absentStatus: readonly string[]): OutcomeMatch {
  const names = section.texts('errorNames', 128, NON_EMPTY_TEXT, 'a string of 1 to 256 characters') ?? [];
  const codes = section.texts('errorCodes', 128, NON_EMPTY_TEXT, 'a string of 1 to 256 characters') ?? [];
  const status =
    section.texts('httpStatus', 64, STATUS, 'a status such as "503" or a class such as "5xx"') ?? absentStatus;
  return {
    names,
    codes,
    statusClasses: status.reduce((bits, text) => (text.endsWith('xx') ? bits | (1 << Number(text[0])) : bits), 0),
    statuses: status.filter((text) => !text.endsWith('xx')).map(Number),
  };
}

function absentMs(text: string): number {
  return parseDuration(text)!;
}
