import { allAtOnce, at, failing, functions, ignore, type Library, oneByOne, synchronously } from '../subject.ts';
import { unary } from '../unary.ts';

const succeeding = () => ({ run: oneByOne((i) => at(functions, i)()) });
const rejecting = () => ({ run: oneByOne((i) => at(failing, i)().catch(ignore)) });
const callingGrpc = async () => {
  const { call, end } = await unary();
  return { run: oneByOne(call), end };
};
const numbers = [() => 0, () => 1, () => 2, () => 3, () => 4, () => 5, () => 6, () => 7];

/** The same calls without a breaker. */
export const bare: Library = {
  name: 'bare',
  cases: {
    closed: succeeding,
    'closed, exact clock': succeeding,
    'closed, recording off': succeeding,
    'closed, recording on': succeeding,
    'enter and succeed': succeeding,
    'timeout, signal unused': succeeding,
    'timeout, signal used': succeeding,
    'retry configured, unused': succeeding,
    'concurrency, fixed': succeeding,
    'concurrency, adaptive': succeeding,
    '1,000 in flight': () => ({ run: allAtOnce((_, wait) => wait()) }),
    sync: () => ({ run: synchronously((i) => at(numbers, i)()) }),
    'failing, 1k samples': rejecting,
    'failing, 10k samples': rejecting,
    'failing, 100k samples': rejecting,
    rejected: rejecting,
    'rejected, with a fallback': rejecting,
    'enter, null': rejecting,
    'a unary call of gRPC': callingGrpc,
    'gRPC interceptor': callingGrpc,
  },
};
