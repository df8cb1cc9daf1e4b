declare module 'brakes' {
  import type { EventEmitter } from 'node:events';

  interface BrakesOptions {
    readonly name?: string;
    readonly timeout?: number;
    readonly isPromise?: boolean;
    readonly circuitDuration?: number;
    readonly waitThreshold?: number;
    readonly threshold?: number;
    readonly registerGlobal?: boolean;
    readonly [option: string]: unknown;
  }

  class Brakes<T> extends EventEmitter {
    constructor(action: (...args: never[]) => Promise<T>, options?: BrakesOptions);
    exec(...args: unknown[]): Promise<T>;
    fallback(answer: (...args: never[]) => Promise<unknown>): unknown;
    isOpen(): boolean;
    destroy(): void;
    _open(): void;
  }

  export default Brakes;
}
