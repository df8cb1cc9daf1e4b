import { execFileSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { advice, affected, commandOf } from './advice.ts';
import type { NewOverride } from './overrides.ts';

const SPEC: NewOverride = { breakers: ['payments'], action: 'ForceOpen', reason: "it's down; EOF", duration: '15m' };

describe('the advice before an override', () => {
  it('names who is hit, by service', () => {
    expect(affected({ agents: 1, services: [{ service: 'checkout', agents: 1 }] })).toBe('1 checkout agent');
    const services = [
      { service: 'checkout', agents: 5 },
      { service: 'storefront', agents: 3 },
    ];
    expect(affected({ agents: 8, services })).toBe('5 checkout and 3 storefront agents');
    expect(affected({ agents: 12, services })).toBe('5 checkout, 3 storefront and 4 other agents');
    expect(affected({ agents: 2, services: [] })).toBe('2 agents');
    expect(affected({ agents: 0, services: [] })).toBe('no agent at the moment');
  });

  it('says what happens to calls', () => {
    expect(advice('ForceOpen', 42, 0.5)[0]).toBe(
      'Each call, 42 calls/s at the moment, is refused at once and gets its fallback, or an error where it has none.',
    );
    expect(advice('ForceClosed', 0, 0.5)[0]).toBe(
      'Each call reaches the dependency, whatever fails. 50 % of permitted calls fail now.',
    );
    expect(advice('ForceClosed', 42, undefined)[0]).not.toContain('%');
  });
});

describe('the command for an override', () => {
  it('is a manifest for kubectl that a shell hands on unchanged', () => {
    const command = commandOf('kubernetes', 'shop', 'payments', SPEC);
    const [first, ...rest] = command.split('\n');
    expect(first).toBe("kubectl create -f - <<'EOF'");
    const given = execFileSync('sh', ['-c', ["cat <<'EOF'", ...rest].join('\n')], { encoding: 'utf8' });
    expect(JSON.parse(given)).toEqual({
      apiVersion: 'fuseboard.dev/v1alpha1',
      kind: 'CircuitBreakerOverride',
      metadata: { generateName: 'payments-', namespace: 'shop' },
      spec: SPEC,
    });
  });

  it('is a command of fuseboard without a cluster', () => {
    const spec = { ...SPEC, selector: { matchLabels: { app: 'checkout' } } };
    const command = commandOf('directory', 'shop', 'payments', spec);
    expect(command).toBe(
      `fuseboard force-open payments -n shop --for 15m -l 'app=checkout' --reason 'it'\\''s down; EOF'`,
    );
    const words = execFileSync('sh', ['-c', `printf '%s\\n' ${command}`], { encoding: 'utf8' });
    expect(words.trim().split('\n').at(-1)).toBe("it's down; EOF");
  });
});
