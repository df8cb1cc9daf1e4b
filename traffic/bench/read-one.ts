/** Reads one file in a process of its own and prints what that took: arguments are the format and the path. */
import { keepYoungGenerationSmall, readCalls } from '../src/index.ts';
import { RECORDED } from './recorded.ts';

keepYoungGenerationSmall();
const [format, path] = process.argv.slice(2);
const recorded = RECORDED.find((one) => one.format === format)!;
const reading = readCalls([path!], recorded.options);
const before = process.cpuUsage();
const begun = performance.now();
let last = Number.NEGATIVE_INFINITY;
for await (const batch of reading) {
  if (batch[0]!.start < last) throw new Error('calls are out of order');
  last = batch.at(-1)!.start;
}
const seconds = (performance.now() - begun) / 1000;
const { user, system } = process.cpuUsage(before);
const { lines, calls, badLines, format: detected } = reading.summary();
process.stdout.write(
  JSON.stringify({
    detected,
    lines,
    calls,
    badLines,
    seconds,
    cpuSeconds: (user + system) / 1e6,
    peakMb: process.resourceUsage().maxRSS / 1024,
  }),
);
