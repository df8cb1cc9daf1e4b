/** What tests and benchmarks use of a package that brings no types. */
declare module 'brakes' {
  import type { EventEmitter } from 'node:events';

  interface BrakesOptions {
    readonly name?: string;
    readonly isPromise?: boolean;
    readonly circuitDuration?: number;
    readonly waitThreshold?: number;
    readonly threshold?: number;
    readonly registerGlobal?: boolean;
    readonly [option: string]: unknown;
  }

  class Brakes extends EventEmitter {
    constructor(action: (...args: never[]) => Promise<unknown>, options?: BrakesOptions);
    exec(...args: unknown[]): Promise<unknown>;
    fallback(answer: (...args: unknown[]) => Promise<unknown>): unknown;
    isOpen(): boolean;
    destroy(): void;
    _open(): void;
  }

  export default Brakes;
}
