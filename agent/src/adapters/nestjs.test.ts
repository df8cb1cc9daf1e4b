import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  HttpCode,
  type INestApplication,
  Inject,
  Module,
  NotFoundException,
  Param,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { type Breaker, getBreaker } from '../index.ts';
import { breakerToken, FuseboardModule, UseBreaker } from './nestjs.ts';

/** Applies decorators like TypeScript. Tests run with types stripped, which does not transform decorators. */
function decorate(decorators: MethodDecorator[], type: { prototype: object }, key: string): void {
  const before = Object.getOwnPropertyDescriptor(type.prototype, key)!;
  const after = decorators.reduceRight(
    (descriptor, each) => each(type.prototype, key, descriptor) ?? descriptor,
    before,
  );
  Object.defineProperty(type.prototype, key, after);
}

class Payments {
  readonly greeting = 'paid';

  async pay(amount: string): Promise<string> {
    if (amount === '404') throw new NotFoundException('no such amount');
    if (amount === '0') throw new Error('declined');
    return `${this.greeting} ${amount}`;
  }

  async quote(amount: string): Promise<string> {
    throw new Error(`no quote for ${amount}`);
  }

  lastQuote(error: Error, amount: string): string {
    return `last quote of ${amount}: ${error.message} ${this.greeting}`;
  }

  async states(): Promise<string> {
    return this.payments.state;
  }

  declare readonly payments: Breaker;
}

decorate(
  [
    Get('pay/:amount') as MethodDecorator,
    HttpCode(202),
    UseBreaker('nest-payments', { defaults: { trip: { consecutiveFailures: 2 } } }),
  ],
  Payments,
  'pay',
);
decorate(
  [UseBreaker('nest-quotes', { fallback: 'lastQuote' }), Get('quote/:amount') as MethodDecorator],
  Payments,
  'quote',
);
decorate([Get('state') as MethodDecorator], Payments, 'states');
Param('amount')(Payments.prototype, 'pay', 0);
Param('amount')(Payments.prototype, 'quote', 0);
Inject(breakerToken('nest-payments'))(Payments.prototype, 'payments');
Controller()(Payments);

class AppModule {}
Module({
  imports: [
    FuseboardModule.register({
      breakers: ['nest-payments', { name: 'nest-other', defaults: { trip: { consecutiveFailures: 1 } } }],
    }),
  ],
  controllers: [Payments],
})(AppModule);

let app: INestApplication;
let url: string;
beforeAll(async () => {
  app = (await Test.createTestingModule({ imports: [AppModule] }).compile()).createNestApplication({ logger: false });
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
});
afterAll(() => app.close());

const get = async (path: string) => {
  const response = await fetch(`${url}/${path}`);
  return [response.status, await response.text()];
};

describe('a method with UseBreaker', () => {
  it('answers as before, with what other decorators say of it, in either order', async () => {
    expect(await get('pay/5')).toEqual([202, 'paid 5']);
    expect(await get('quote/7')).toEqual([200, 'last quote of 7: no quote for 7 paid']);
    expect([Payments.prototype.pay.name, Payments.prototype.pay.length]).toEqual(['pay', 1]);
  });

  it('keeps its own errors, of which those of the caller are no failures, and opens on the others', async () => {
    for (let i = 0; i < 3; i++) expect((await get('pay/404'))[0]).toBe(404);
    expect(await get('state')).toEqual([200, 'closed']);
    for (let i = 0; i < 2; i++) expect((await get('pay/0'))[0]).toBe(500);
    expect(await get('state')).toEqual([200, 'open']);
    await expect(app.get(Payments).pay('5')).rejects.toMatchObject({ code: 'ERR_FUSEBOARD_OPEN' });
  });
});

describe('the module', () => {
  it('injects the breakers of this process', () => {
    expect(app.get(Payments).payments).toBe(getBreaker('nest-payments'));
    expect(app.get(breakerToken('nest-other'), { strict: false })).toBe(getBreaker('nest-other'));
    expect(getBreaker('nest-other').stats().source).toBe('defaults');
  });

  it('refuses a name that cannot be used when Nest starts', async () => {
    const module = Test.createTestingModule({ imports: [FuseboardModule.register({ breakers: ['no such name!'] })] });
    await expect(module.compile()).rejects.toThrow(/cannot name a breaker/);
  });
});
