import { signal } from '@preact/signals';
import type { ShownOverride as Override, OverrideList } from '../../src/http/admin/answers/overrides.ts';
import { ask, Refused } from './connection.ts';
import { address, connection, store } from './model.ts';

export type { Override };

export const ACTIONS = ['ForceOpen', 'ForceClosed', 'Reset'] as const;
export type Action = (typeof ACTIONS)[number];

/** The spec of an override that the page creates. */
export interface NewOverride {
  readonly breakers: readonly string[];
  readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly action: Action;
  readonly reason: string;
  readonly duration: string;
}

/** Each action in the words of the user interface. */
export const ACTION_WORDS: Readonly<Record<Action, string>> = {
  ForceOpen: 'force open',
  ForceClosed: 'force closed',
  Reset: 'reset',
};

/** The known overrides; `absent` when the operator does not support overrides. */
export type Overrides =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'known'; readonly items: readonly Override[] };

export const overrides = signal<Overrides>({ kind: 'unknown' });

const AGAIN_MS = 1_000;
const SELDOM_MS = 30_000;

/** Updates `overrides` continuously. */
export async function followOverrides(): Promise<void> {
  for (;;) {
    if (connection.link.peek().phase === 'live') await readOverrides();
    const { kind } = overrides.peek();
    await new Promise((resolve) => setTimeout(resolve, kind === 'absent' || kind === 'refused' ? SELDOM_MS : AGAIN_MS));
  }
}

async function readOverrides(): Promise<void> {
  const { namespace } = address.peek();
  const query = namespace === undefined ? '' : `?namespace=${encodeURIComponent(namespace)}`;
  try {
    const { items } = await ask<OverrideList>(`v1/overrides${query}`);
    overrides.value = { kind: 'known', items };
  } catch (error) {
    if (!(error instanceof Refused)) return;
    if (error.status === 404) overrides.value = { kind: 'absent' };
    else if (error.status < 500) overrides.value = { kind: 'refused', why: error.message };
  }
}

/** Whether an override is still in force. */
export const active = ({ expiresAt, status, problems }: Override, now: number) =>
  expiresAt > now && status.phase !== 'Ended' && problems.length === 0;

const matches = (pattern: string, name: string) =>
  pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;

/** The known overrides of a breaker, active or ended, the newest first. */
export function overridesOf(namespace: string, breaker: string): readonly Override[] {
  const known = overrides.value;
  if (known.kind !== 'known') return [];
  return known.items.filter(
    (one) => one.namespace === namespace && (one.breakers ?? []).some((pattern) => matches(pattern, breaker)),
  );
}

/** The active overrides of a breaker, on all agents or on some, the newest first. */
export const actingOn = (namespace: string, breaker: string): readonly Override[] =>
  overridesOf(namespace, breaker).filter((one) => active(one, store.now.value));

/** The override that the user created last on this page, until it is undone. */
export const lastMade = signal<Override | undefined>(undefined);

/** Creates an override. Throws with the operator's message. */
export async function makeOverride(namespace: string, spec: NewOverride): Promise<Override> {
  const made = await ask<Override>(`v1/overrides/${encodeURIComponent(namespace)}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(spec),
  });
  await readOverrides();
  return made;
}

export async function endOverride({ namespace, name, uid }: Override): Promise<void> {
  await ask(`v1/overrides/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`, { method: 'DELETE' });
  if (lastMade.peek()?.uid === uid) lastMade.value = undefined;
  await readOverrides();
}
