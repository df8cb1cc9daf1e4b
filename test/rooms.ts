import { posix } from 'node:path';

/**
 * The rooms of a workspace from the innermost to the outermost. A file imports from its own row and from rows above it;
 * what two rows need belongs in the upper one. The longest prefix of a path says its room.
 */
interface Floors {
  readonly root: string;
  readonly floors: readonly (readonly string[])[];
  /** The most source files, tests apart, that a room holds. */
  readonly maxFiles?: number;
}

const ROOM_SIZE = 14;

/** All files of a workspace that no other room has. */
const REST = '*';

export const FLOORS: readonly Floors[] = [
  {
    root: 'agent/src/',
    floors: [
      ['core/', 'core/config/', 'core/layers/', 'core/observers/', 'core/outcomes/', 'core/windows/', 'version.ts'],
      ['errors/', 'clock/', 'call/promises/'],
      ['call/', 'call/scopes/', 'call/signals/'],
      ['breakers/'],
      ['link/', 'store/', 'telemetry/recording/'],
      ['agent.ts'],
      ['adapters/', 'telemetry/', 'testing/'],
      ['index.ts'],
    ],
    maxFiles: ROOM_SIZE,
  },
  {
    root: 'operator/src/',
    floors: [
      ['core/', 'core/limits/', 'core/policy/', 'core/rate-limit/', 'files/', 'version.ts', 'log.ts'],
      ['core/delivery/', 'core/outages/'],
      ['core/fleet/'],
      ['core/replication/', 'core/status/', 'core/views/'],
      ['ports/'],
      ['config/'],
      ['control/'],
      ['kube/api/'],
      ['kube/auth/', 'kube/replication/', 'kube/write/', 'sources/', 'stores/', 'auth/', 'http/'],
      ['metrics/'],
      ['serve.ts'],
      ['cli/'],
      ['adapters.ts', 'main.ts'],
    ],
    maxFiles: ROOM_SIZE,
  },
  {
    root: 'operator/web/src/',
    floors: [
      [
        ...['address.ts', 'board-groups.ts', 'board-layout.ts', 'connection.ts', 'event-stream.ts', 'format.ts'],
        ...['list-keys.ts', 'reading.ts', 'tile-plot.ts', 'what-if/limits.ts', 'what-if/numbers.ts'],
        ...['what-if/replay.ts', 'what-if/run-chance.ts', 'what-if/steps.ts', 'yaml.ts', 'zoom.ts'],
      ],
      ['attention.ts', 'store.ts'],
      ['model.ts'],
      [REST],
      ['app.tsx'],
      ['main.tsx'],
    ],
  },
  {
    root: 'agent-python/src/fuseboard/',
    floors: [
      ['core/', 'core/config/', 'core/layers/', 'core/outcomes/', 'core/windows/', 'version.py'],
      ['errors.py', 'warning.py', 'clock/'],
      ['call/'],
      ['breakers/'],
      ['process.py', 'link/'],
      ['agent.py', 'store/'],
      ['__init__.py'],
      ['contrib/', 'testing/'],
    ],
  },
  {
    root: 'traffic/src/',
    floors: [
      [
        ...['call.ts', 'formats/format-name.ts', 'input/', 'names/', 'order/', 'read-error.ts', 'status-set.ts'],
        ...['time/', 'young-generation.ts'],
      ],
      ['classify.ts', 'observation.ts', 'options.ts', 'record-counts.ts', 'summary.ts'],
      ['census.ts', 'formats/'],
      ['read.ts', 'recorded-file.ts'],
      ['index.ts'],
    ],
  },
  {
    root: 'simulator/src/',
    floors: [
      ['calls/', 'statistics/'],
      ['replay/'],
      ['calm/', 'report/words.ts'],
      ['simulate/', 'suggest/'],
      ['report/'],
      ['run/'],
      ['index.ts'],
    ],
    maxFiles: ROOM_SIZE,
  },
];

/** Rooms of the agent's core point at each other by types only. */
const TYPE_CIRCLES = 'agent/src/core/';

/** The room of the core holds the files right in it. Each folder of the core is a room with a floor of its own. */
const CORE = 'core/';

interface Placed {
  readonly room: string;
  readonly floor: number;
}

function placeOf(path: string): Placed | undefined {
  const house = FLOORS.find(({ root }) => path.startsWith(root));
  if (!house) return undefined;
  const inside = path.slice(house.root.length);
  let found: Placed | undefined;
  house.floors.forEach((rooms, floor) => {
    for (const room of rooms) {
      if (room === REST) found ??= { room, floor };
      if (!inside.startsWith(room) || room.length <= (found?.room.length ?? 0)) continue;
      if (room !== CORE || !inside.slice(CORE.length).includes('/')) found = { room, floor };
    }
  });
  return found;
}

/**
 * What is wrong with an import from one source to another of the same workspace, and where the imported thing should
 * go.
 *
 * @returns undefined when the import is allowed.
 */
export function wrongFloor(from: string, to: string): string | undefined {
  const house = FLOORS.find(({ root }) => from.startsWith(root));
  if (!house || !to.startsWith(house.root)) return undefined;
  const [here, there] = [placeOf(from), placeOf(to)];
  if (!here) return `the room of ${from} is not in test/rooms.ts; add it to the floor it belongs to`;
  if (!there) return `the room of ${to} is not in test/rooms.ts; add it to the floor it belongs to`;
  if (there.floor <= here.floor) return undefined;
  return `${here.room} is further in than ${there.room}; move what it needs into ${here.room} or further in, or let the caller pass it`;
}

/** An import between sources, by their paths. */
export interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

/**
 * The circles among sources: groups of files each of which leads to every other. At run time none is allowed; among
 * types they are allowed in the agent's core alone.
 *
 * @returns one sentence for each circle.
 */
export function circles(arrows: readonly Arrow[]): string[] {
  const named = (kind: string, group: readonly string[]) =>
    `${kind} circle: ${[...group].sort().join(' <-> ')}; move what they share into a file of its own`;
  const atRunTime = groups(arrows.filter(({ typeOnly }) => !typeOnly));
  const known = new Set(atRunTime.map((group) => [...group].sort().join()));
  const ofTypes = groups(
    arrows.filter(({ from, to }) => !(from.startsWith(TYPE_CIRCLES) && to.startsWith(TYPE_CIRCLES))),
  );
  return [
    ...atRunTime.map((group) => named('run-time', group)),
    ...ofTypes.filter((group) => !known.has([...group].sort().join())).map((group) => named('type', group)),
  ];
}

/**
 * Tarjan, "Depth-first search and linear graph algorithms" (1972): the strongly connected parts with more than one
 * file.
 */
function groups(arrows: readonly Arrow[]): string[][] {
  const next = new Map<string, string[]>();
  for (const { from, to } of arrows) next.set(from, [...(next.get(from) ?? []), to]);
  const found: string[][] = [];
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const visit = (file: string): void => {
    const at = index.size;
    index.set(file, at);
    low.set(file, at);
    stack.push(file);
    for (const each of next.get(file) ?? []) {
      if (!index.has(each)) {
        visit(each);
        low.set(file, Math.min(low.get(file)!, low.get(each)!));
      } else if (stack.includes(each)) low.set(file, Math.min(low.get(file)!, index.get(each)!));
    }
    if (low.get(file) !== at) return;
    const group = stack.splice(stack.indexOf(file));
    if (group.length > 1) found.push(group);
  };
  for (const file of next.keys()) if (!index.has(file)) visit(file);
  return found;
}

/** Folders that hold more source files than a room may, as `folder: count`. */
export function crowdedRooms(paths: Iterable<string>): string[] {
  const count = new Map<string, number>();
  for (const path of paths) {
    const folder = posix.dirname(path);
    if (/\.(test|cases)\.ts$/.test(path)) continue;
    if (maxFilesOf(path) !== undefined) count.set(folder, (count.get(folder) ?? 0) + 1);
  }
  return [...count]
    .filter(([folder, files]) => files > maxFilesOf(`${folder}/`)!)
    .map(([folder, files]) => `${folder}: ${files}`);
}

const maxFilesOf = (path: string) => FLOORS.find(({ root }) => path.startsWith(root))?.maxFiles;
