import { batch, computed, type Signal, signal } from '@preact/signals';
import { byImpact } from '../../src/core/outages/order.ts';
import type { OutageRow } from '../../src/core/outages/outage-row.ts';
import { Ring } from '../../src/core/ring.ts';
import { MEASURES, SLOTS } from '../../src/core/slots.ts';
import type { BreakerRow } from '../../src/core/views/breaker-row.ts';
import type { Overview } from '../../src/core/views/overview.ts';
import type { PolicyRow } from '../../src/core/views/policy-row.ts';
import type { LiveDifference, LiveState, SourceRow, Stamp } from '../../src/http/admin/live/live.ts';
import { type Address, found } from './address.ts';
import { type Rank, rankOf, worse } from './reading.ts';

const WIDTH = MEASURES.length;

/** The minimum time between two changes of the tile order. */
const ORDER_MS = 1_000;

/** The operator sends a message at least this often, so data counts as current until then. */
const KNOWN_MS = 2_500;

/** A breaker without a report for this long is stale. */
export const STALE_MS = 30_000;

/** The data of one tile: the last row, and its counts by slot. */
export interface Cell {
  readonly row: Signal<BreakerRow>;
  readonly ring: Ring;
  /** The text that a search matches. */
  text: string;
}

/** The data of the page, as sent by the operator. Views read the signals, and only the store changes them. */
export class Store {
  readonly cells = new Map<string, Cell>();
  readonly policies = signal<ReadonlyMap<string, PolicyRow>>(new Map());
  readonly overview = signal<Overview | undefined>(undefined);
  readonly source = signal<SourceRow | undefined>(undefined);
  /** The operator's wall clock, advanced by the local clock once a second. */
  readonly now = signal(0);
  /** The time up to which the data is known. */
  readonly known = signal(0);
  /** The number of the current slot. It also advances with the clock, so that old counts leave the windows. */
  readonly slot = signal(0);
  slotMs = 2_000;
  replica = '';
  readonly others = signal<readonly string[]>([]);
  /** The filter in the URL. */
  readonly filter: Signal<Pick<Address, 'search' | 'state'>> = signal({ search: '' });
  /** The current outages, by decreasing impact. */
  readonly outages = signal<readonly OutageRow[]>([]);
  /** Number of breakers with each rank. */
  readonly ranks = signal<Readonly<Partial<Record<Rank, number>>>>({});
  /** The ids of all rows, the worst first. */
  readonly ranked = signal<readonly string[]>([]);
  /** The ids of the rows that match the filter. */
  readonly shown = computed(() => this.#filtered());
  readonly #clock: () => number;
  readonly #later: (task: () => void, ms: number) => void;
  #stamp: Stamp = { at: 0, replica: '', others: [], slot: 0, slotMs: 2_000 };
  #stampedAt = 0;
  #orderedAt = Number.NEGATIVE_INFINITY;
  #ordering = false;

  /**
   * @param clock the monotonic time, in milliseconds.
   * @param later runs a task after a delay.
   */
  constructor(clock: () => number, later: (task: () => void, ms: number) => void) {
    this.#clock = clock;
    this.#later = later;
  }

  /** Replaces all data. Rows that are missing from the message are removed. */
  state(state: LiveState): void {
    batch(() => {
      this.stamp(state);
      this.source.value = state.source;
      this.overview.value = state.overview;
      this.policies.value = new Map(state.policies.map((row) => [row.uid, row]));
      const there = new Set(state.rows.map(({ id }) => id));
      for (const id of this.cells.keys()) if (!there.has(id)) this.cells.delete(id);
      for (const row of state.rows) this.#take(row, true);
      this.#summarize();
      this.#order();
    });
  }

  /** Applies the changed data. */
  difference(told: LiveDifference): void {
    batch(() => {
      this.stamp(told);
      if (told.source) this.source.value = told.source;
      if (told.overview) this.overview.value = told.overview;
      if (told.policies || told.policiesGone) this.#policies(told.policies ?? [], told.policiesGone ?? []);
      let moved = told.policies !== undefined;
      for (const row of told.rows ?? []) moved = this.#take(row) || moved;
      for (const id of told.rowsGone ?? []) moved = this.cells.delete(id) || moved;
      for (const [id, heard] of Object.entries(told.heard ?? {})) {
        const cell = this.cells.get(id);
        if (cell) cell.row.value = { ...cell.row.peek(), heard };
      }
      if (told.rows || told.rowsGone) this.#summarize();
      if (moved || this.outages.peek().length > 0) this.#order();
    });
  }

  /** Sets the clock to the operator's time. */
  stamp(stamp: Stamp): void {
    this.#stamp = stamp;
    this.#stampedAt = this.#clock();
    this.slotMs = stamp.slotMs;
    this.replica = stamp.replica;
    if (stamp.others.join() !== this.others.peek().join()) this.others.value = stamp.others;
    this.tick();
  }

  /** Advances the clock. Without messages, counts and states stay as they are, because newer ones are not known. */
  tick(): void {
    const { at, slot, slotMs } = this.#stamp;
    const passed = this.#clock() - this.#stampedAt;
    const known = Math.min(passed, KNOWN_MS);
    this.now.value = at + passed;
    this.known.value = at + known;
    this.slot.value = slot + Math.floor(known / slotMs);
  }

  /** Policies with open breakers on agents of other replicas, and the number of these breakers. */
  openElsewhere(): readonly { readonly policy: PolicyRow; readonly open: number }[] {
    if (this.others.value.length === 0) return [];
    const here = new Map<string, number>();
    void this.ranked.value;
    for (const { row } of this.cells.values()) {
      const { uid, states } = row.peek();
      if (uid !== undefined) here.set(uid, (here.get(uid) ?? 0) + states.open);
    }
    return [...this.policies.value.values()].flatMap((policy) => {
      const open = (policy.states?.open ?? 0) - (here.get(policy.uid) ?? 0);
      return open > 0 ? [{ policy, open }] : [];
    });
  }

  policyOf(row: BreakerRow): PolicyRow | undefined {
    return row.uid === undefined ? undefined : this.policies.value.get(row.uid);
  }

  #summarize(): void {
    const outages: OutageRow[] = [];
    const ranks: Partial<Record<Rank, number>> = {};
    for (const { row } of this.cells.values()) {
      const { outage, ...rest } = row.peek();
      if (outage !== undefined) outages.push(outage);
      ranks[rankOf(rest)] = (ranks[rankOf(rest)] ?? 0) + 1;
    }
    this.outages.value = outages.sort(byImpact);
    this.ranks.value = ranks;
  }

  /** @returns whether the position of the row may have changed. */
  #take(row: BreakerRow, whole = false): boolean {
    const known = this.cells.get(row.id);
    const ring = known && !whole ? known.ring : new Ring(2 * SLOTS, WIDTH);
    for (let at = 0; at * WIDTH < row.samples.length; at += 1) {
      ring.set(row.slot + at, row.samples.slice(at * WIDTH, (at + 1) * WIDTH));
    }
    if (known && !whole) {
      const before = known.row.peek();
      known.row.value = row;
      return (
        before.state !== row.state ||
        before.shadow !== row.shadow ||
        before.states.open !== row.states.open ||
        (before.outage === undefined) !== (row.outage === undefined)
      );
    }
    const policy = this.policies.peek().get(row.uid ?? '')?.name;
    const text = [row.breaker, row.namespace, policy].join(' ');
    if (known) {
      this.cells.set(row.id, { row: known.row, ring, text });
      known.row.value = row;
    } else this.cells.set(row.id, { row: signal(row), ring, text });
    return true;
  }

  #policies(rows: readonly PolicyRow[], gone: readonly string[]): void {
    const policies = new Map(this.policies.peek());
    for (const row of rows) policies.set(row.uid, row);
    for (const uid of gone) policies.delete(uid);
    this.policies.value = policies;
    for (const cell of this.cells.values()) {
      const row = cell.row.peek();
      cell.text = [row.breaker, row.namespace, policies.get(row.uid ?? '')?.name].join(' ');
    }
  }

  /** Sorts the rows, at most once a second, so that tiles do not move while a user reads them. */
  #order(): void {
    if (this.#ordering) return;
    const wait = this.#orderedAt + ORDER_MS - this.#clock();
    if (wait > 0) {
      this.#ordering = true;
      this.#later(() => {
        this.#ordering = false;
        this.#order();
      }, wait);
      return;
    }
    this.#orderedAt = this.#clock();
    const rows = [...this.cells.values()].map(({ row }) => row.peek()).sort(worse);
    this.ranked.value = rows.map(({ id }) => id);
  }

  #filtered(): readonly string[] {
    const { search, state } = this.filter.value;
    const ranked = this.ranked.value;
    if (search === '' && state === undefined) return ranked;
    return ranked.filter((id) => {
      const cell = this.cells.get(id);
      if (!cell) return false;
      if (state !== undefined && rankOf(cell.row.peek()) !== state) return false;
      return search === '' || found(search, cell.text, ...cell.row.peek().unwell);
    });
  }
}
