/** The position of an item on the board, in pixels. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A group of items: its unhealthy breakers are tiles, and the others lines below them. */
export interface Group {
  /** The heading of the group; empty: none. */
  readonly name: string;
  readonly tiles: number;
  readonly lines: number;
}

export interface Layout {
  /** Positions in the order of the items: for each group its tiles, then its lines. */
  readonly places: readonly Place[];
  readonly headings: readonly { readonly name: string; readonly y: number }[];
  readonly height: number;
}

export interface Sizes {
  readonly gap: number;
  readonly tile: { readonly least: number; readonly most: number; readonly height: number };
  readonly line: { readonly least: number; readonly height: number };
  /** The height of the heading of a group. */
  readonly heading: number;
}

/** Places groups below each other. */
export function layOut(groups: readonly Group[], width: number, sizes: Sizes): Layout {
  const places: Place[] = [];
  const headings: { name: string; y: number }[] = [];
  let height = 0;
  for (const { name, tiles, lines } of groups) {
    if (name !== '') {
      headings.push({ name, y: height });
      height += sizes.heading;
    }
    height = placeGroup(places, height, tiles, lines, width, sizes);
  }
  return { places, headings, height };
}

/** Places tiles in rows, and lines below them in one or more columns; returns where the next group begins. */
function placeGroup(
  places: Place[],
  begin: number,
  tiles: number,
  lines: number,
  width: number,
  { gap, tile, line }: Sizes,
): number {
  // Few tiles are wide, so that unhealthy breakers are the largest items on the board.
  const columns = Math.max(1, Math.min(tiles, Math.floor((width - gap) / (tile.least + gap))));
  const tileWidth = Math.min(tile.most, (width - gap * (columns + 1)) / columns);
  for (let i = 0; i < tiles; i += 1) {
    places.push({
      x: gap + (i % columns) * (tileWidth + gap),
      y: begin + gap + Math.floor(i / columns) * (tile.height + gap),
      ...{ width: tileWidth, height: tile.height },
    });
  }
  const top = begin + gap + Math.ceil(tiles / columns) * (tile.height + gap);
  const across = Math.max(1, Math.floor((width - gap) / (line.least + gap)));
  const lineWidth = (width - gap * (across + 1)) / across;
  // Lines fill one column after the other, so that consecutive names are below each other.
  const rows = Math.ceil(lines / across);
  for (let i = 0; i < lines; i += 1) {
    places.push({
      x: gap + Math.floor(i / rows) * (lineWidth + gap),
      y: top + (i % rows) * line.height,
      ...{ width: lineWidth, height: line.height },
    });
  }
  return top + rows * line.height + gap;
}

/** The neighbour in the direction of an arrow key; undefined at an edge. */
export function neighbour(places: readonly Place[], from: number, key: string): number | undefined {
  const here = places[from];
  if (here === undefined) return undefined;
  if (key === 'Home') return 0;
  if (key === 'End') return places.length - 1;
  const ways: Record<string, (to: Place) => number> = {
    ArrowRight: (to) => (to.y === here.y && to.x > here.x ? to.x - here.x : Number.POSITIVE_INFINITY),
    ArrowLeft: (to) => (to.y === here.y && to.x < here.x ? here.x - to.x : Number.POSITIVE_INFINITY),
    ArrowDown: (to) => (to.y > here.y ? (to.y - here.y) * 10 + Math.abs(to.x - here.x) : Number.POSITIVE_INFINITY),
    ArrowUp: (to) => (to.y < here.y ? (here.y - to.y) * 10 + Math.abs(to.x - here.x) : Number.POSITIVE_INFINITY),
  };
  const way = ways[key];
  if (way === undefined) return undefined;
  let best: number | undefined;
  let least = Number.POSITIVE_INFINITY;
  places.forEach((place, i) => {
    const far = way(place);
    if (far >= least) return;
    least = far;
    best = i;
  });
  return best;
}
