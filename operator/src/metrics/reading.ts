import { Counter, Gauge, type Registry } from 'prom-client';

/** Adds to the series with these labels. */
type Add<L extends string> = (labels: Partial<Record<L, string>>, value: number) => void;

type Read<L extends string> = (add: Add<L>) => void;

/** Registers metrics whose values are read at each scrape. */
export interface MetricReader {
  gauge<L extends string>(name: string, help: string, labelNames: L[], read: Read<L>): void;
  /** `_total` is appended to the name. */
  counter<L extends string>(name: string, help: string, labelNames: L[], read: Read<L>): void;
}

/** Prefixes all names with `fuseboard_`. */
export function readingInto(registry: Registry): MetricReader {
  const metric = <L extends string>(name: string, help: string, labelNames: L[], read: Read<L>) => ({
    name: `fuseboard_${name}`,
    help,
    labelNames,
    registers: [registry],
    collect(this: Pick<Counter<L>, 'reset' | 'inc'>) {
      this.reset();
      read((labels, value) => this.inc(labels, value));
    },
  });
  return {
    gauge(name, ...rest) {
      new Gauge(metric(name, ...rest));
    },
    counter(name, ...rest) {
      new Counter(metric(`${name}_total`, ...rest));
    },
  };
}
