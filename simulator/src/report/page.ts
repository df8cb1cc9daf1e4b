import type { Verdict } from '../simulate/expectation.ts';
import type { Simulation } from '../simulate/simulate.ts';
import { frontierSvg, timelineSvg } from './plots.ts';
import { simulationText } from './simulation-text.ts';

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Renders simulations as one self-contained HTML page, without scripts, fonts or images from elsewhere. */
export function simulationPage(simulations: readonly Simulation[], verdicts: readonly Verdict[] = []): string {
  const sections = simulations.map(
    (simulation) => `<section>
<h2>${escaped(simulation.breaker)}</h2>
${timelineSvg(simulation)}${frontierSvg(simulation)}<pre>${escaped(withoutTimeline(simulationText(simulation)))}</pre>
</section>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Fuseboard: simulated policies</title>
<style>
  :root { color-scheme: light dark }
  body { font: 15px system-ui, sans-serif; max-width: 960px; margin: 2rem auto; padding: 0 1rem }
  pre { overflow-x: auto; font-size: 13px; line-height: 1.4 }
  svg { width: 100%; height: auto }
</style>
</head>
<body>
<h1>Simulated policies</h1>
${sections.join('\n')}
${expectations(verdicts)}</body>
</html>
`;
}

function expectations(verdicts: readonly Verdict[]): string {
  if (verdicts.length === 0) return '';
  const items = verdicts.map(
    ({ text, met, was }) => `<li>${met ? 'met' : 'not met'}: <code>${escaped(text)}</code> (was ${escaped(was)})</li>`,
  );
  return `<h2>Expectations</h2>\n<ul>\n${items.join('\n')}\n</ul>\n`;
}

/** The plot of the page. */
function withoutTimeline(text: string): string {
  return text
    .split('\n')
    .filter((line) => !/[▁▂▃▄▅▆▇█▒·]{10}/.test(line))
    .join('\n');
}
