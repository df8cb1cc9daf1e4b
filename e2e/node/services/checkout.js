// Calls the partner through the breaker `payments` all the time, and answers with what it has seen.
import { createServer } from 'node:http';
import { getBreaker } from '@fuseboard/agent';

const breaker = getBreaker('payments');
const calls = { succeeded: 0, failed: 0, rejected: 0 };
const warnings = [];

process.on('warning', ({ code, message }) => warnings.push({ code, message }));

async function pay({ signal }) {
  const response = await fetch('http://partner/pay', { signal });
  await response.text();
  if (!response.ok) throw Object.assign(new Error(`answered ${response.status}`), { status: response.status });
}

async function call() {
  try {
    await breaker.execute(pay);
    calls.succeeded += 1;
  } catch (error) {
    if (error.code === 'ERR_FUSEBOARD_OPEN') calls.rejected += 1;
    else calls.failed += 1;
  }
}

setInterval(call, 50);

createServer((_request, response) => {
  const { state } = breaker;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ state, calls, warnings }));
}).listen(8080);

process.on('SIGTERM', () => process.exit(0));
