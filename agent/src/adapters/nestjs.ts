import type { DynamicModule, FactoryProvider } from '@nestjs/common';
import { getBreaker } from '../agent.ts';
import type { Breaker } from '../breakers/breaker.ts';
import type { BreakerOptions } from '../breakers/registry.ts';
import { checkOptions } from '../errors/options.ts';

export interface FuseboardModuleOptions {
  /** The breakers to inject: names, or names with options. */
  readonly breakers: readonly (string | ({ readonly name: string } & BreakerOptions))[];
  /** Whether every module can inject them without importing this one. Absent: false. */
  readonly global?: boolean;
}

/** The injection token of a breaker: `@Inject(breakerToken('payments')) private readonly payments: Breaker`. */
export function breakerToken(name: string): string {
  return `fuseboard:breaker:${name}`;
}

/** The module that lets Nest inject breakers: `imports: [FuseboardModule.register({ breakers: ['payments'] })]`. */
// biome-ignore lint/complexity/noStaticOnlyClass: Nest knows modules by their class.
export class FuseboardModule {
  /** @throws {ConfigError} where Nest starts, when a name or its defaults cannot be used. */
  static register(options: FuseboardModuleOptions): DynamicModule {
    checkOptions('FuseboardModule.register', options, { breakers: ['a list', Array.isArray], global: 'boolean' });
    const { breakers, global = false } = options;
    const providers = breakers.map((each): FactoryProvider<Breaker> => {
      const { name, ...options } = typeof each === 'string' ? { name: each } : each;
      return { provide: breakerToken(name), useFactory: () => getBreaker(name, options) };
    });
    return { module: FuseboardModule, global, providers, exports: providers.map(({ provide }) => provide) };
  }
}

/**
 * A decorator: calls of the method go through the breaker of this name. `this`, arguments and the metadata of other
 * decorators are kept, in any order of decorators; the method must return a promise.
 *
 * @param options.fallback the name of a method that answers instead of an error, called with the error and the
 * arguments.
 * @throws {ConfigError} when the name or the defaults cannot be used.
 */
export function UseBreaker(
  name: string,
  { fallback, ...options }: BreakerOptions & { readonly fallback?: string } = {},
): MethodDecorator {
  checkOptions('UseBreaker', { fallback }, { fallback: 'string' });
  const breaker = getBreaker(name, options);
  return (_target, _key, descriptor) => {
    const method = descriptor.value as unknown as (...args: unknown[]) => Promise<unknown>;
    const wrapped = function (this: Record<string, (...args: unknown[]) => unknown>, ...args: unknown[]) {
      const answer = fallback === undefined ? {} : { fallback: (error: unknown) => this[fallback]!(error, ...args) };
      return breaker.execute(() => method.apply(this, args), answer);
    };
    Object.defineProperty(wrapped, 'name', { value: method.name, configurable: true });
    Object.defineProperty(wrapped, 'length', { value: method.length, configurable: true });
    keepMetadata(method, wrapped);
    return { ...descriptor, value: wrapped as never };
  };
}

/** The functions that reflect-metadata adds to Reflect. */
interface ReflectMetadata {
  getOwnMetadataKeys?(target: object): unknown[];
  getOwnMetadata?(key: unknown, target: object): unknown;
  defineMetadata?(key: unknown, value: unknown, target: object): void;
}

function keepMetadata(from: object, to: object): void {
  const metadata = Reflect as ReflectMetadata;
  for (const key of metadata.getOwnMetadataKeys?.(from) ?? []) {
    metadata.defineMetadata?.(key, metadata.getOwnMetadata?.(key, from), to);
  }
}
