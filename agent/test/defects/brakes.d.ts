declare module 'brakes' {
  import type { EventEmitter } from 'node:events';

  interface BrakesOptions {
    readonly isPromise?: boolean;
    readonly circuitDuration?: number;
    readonly waitThreshold?: number;
    readonly threshold?: number;
    readonly registerGlobal?: boolean;
  }

  class Brakes extends EventEmitter {
    constructor(action: (...args: never[]) => Promise<unknown>, options?: BrakesOptions);
    exec(...args: unknown[]): Promise<unknown>;
    isOpen(): boolean;
    destroy(): void;
  }

  export default Brakes;
}
