import { injection, type PatchOperation } from '../../operator/src/core/injection.ts';
import { PodSchema, ReviewSchema } from '../../operator/src/http/webhook/injector.ts';
import { corpus, inJson, must, type Target } from '../target.ts';

const PLACE = { url: 'https://fuseboard:8443', audience: 'fuseboard', authority: '-----BEGIN CERTIFICATE-----\n' };

/** What the API server asks the webhook about a new pod. */
export const admissionReview: Target = {
  name: 'admission',
  corpus: corpus('admission-review'),
  share: 50,
  ...inJson((body) => {
    const review = ReviewSchema.safeParse(body);
    const pod = review.success ? PodSchema.safeParse(review.data.request.object) : undefined;
    if (!pod?.success) return { sound: false };
    const object = review.data!.request.object;
    const before = JSON.stringify(object);
    const patch = injection(pod.data, PLACE);
    const after = structuredClone(object);
    for (const operation of patch) add(after, operation);
    must(JSON.stringify(object) === before, 'the pod itself was changed');
    must(keeps(object, after), 'something that the pod says is gone or changed');
    const again = PodSchema.safeParse(after);
    must(again.success, 'the patched pod cannot be read');
    must(injection(again.data, PLACE).length === 0, 'a pod that was injected is injected again');
    return { sound: true, made: JSON.stringify(patch).length };
  }),
};

/** Carries out an operation of a JSON Patch, as the API server would. */
function add(target: unknown, { path, value }: PatchOperation): void {
  const steps = path
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = steps.pop()!;
  let at = target as Record<string, unknown> | unknown[];
  for (const step of steps) {
    must(Object.hasOwn(at, step), `${path}: there is no ${step}`);
    at = (at as Record<string, unknown>)[step] as Record<string, unknown>;
  }
  must(typeof at === 'object' && at !== null, `${path}: leads into no object`);
  if (Array.isArray(at)) {
    const place = last === '-' ? at.length : Number(last);
    must(Number.isInteger(place) && place <= at.length, `${path}: is no place in the list`);
    at.splice(place, 0, value);
  } else Object.defineProperty(at, last, { value, enumerable: true, configurable: true, writable: true });
}

/** Whether everything in `before` is in `after`, lists in their order. */
function keeps(before: unknown, after: unknown): boolean {
  if (Array.isArray(before)) {
    if (!Array.isArray(after)) return false;
    let at = 0;
    return before.every((one) => {
      while (at < after.length && !keeps(one, after[at])) at += 1;
      at += 1;
      return at <= after.length;
    });
  }
  if (typeof before === 'object' && before !== null) {
    if (typeof after !== 'object' || after === null) return false;
    return Object.entries(before).every(([name, value]) => keeps(value, (after as Record<string, unknown>)[name]));
  }
  return before === after;
}
