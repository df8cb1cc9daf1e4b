/**
 * Prints the rows of the `fetch` of the Node that runs this, as JSON. The argument is the ports of the failing servers,
 * as JSON. It is bundled, because older ones run no TypeScript.
 */
import { measuredRow } from './failures.ts';
import { FETCH_CLIENTS } from './fetch-clients.ts';

const ports = JSON.parse(process.argv[2]!);
const rows: string[] = [];
for (const client of FETCH_CLIENTS) rows.push(await measuredRow(client, ports));
console.log(JSON.stringify(rows));
