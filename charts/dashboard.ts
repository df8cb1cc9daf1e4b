import { IN_NAMESPACE, OF_POLICY, type Panel, ROWS } from './dashboard-rows.ts';

const DATASOURCE = { type: 'prometheus', uid: '$datasource' };
/** The version of the dashboard's JSON that Grafana 12 writes; older ones ignore what they do not know. */
const SCHEMA_VERSION = 41;
const HEIGHTS = { stat: 4, timeseries: 8, table: 8 };

/** The Grafana dashboard as JSON. */
export function dashboard(): string {
  let id = 0;
  let y = 0;
  const panels: object[] = [];
  for (const { title, panels: inner } of ROWS) {
    id += 1;
    panels.push({ id, type: 'row', title, collapsed: false, gridPos: { h: 1, w: 24, x: 0, y }, panels: [] });
    y += 1;
    let x = 0;
    let height = 0;
    for (const panel of inner) {
      const { type = 'timeseries', width = 8 } = panel;
      if (x + width > 24) {
        y += height;
        x = 0;
      }
      id += 1;
      height = HEIGHTS[type];
      panels.push(panelOf(panel, id, { h: height, w: width, x, y }));
      x += width;
    }
    y += height;
  }
  const variables = [
    { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
    variable('namespace', 'Namespace', 'fuseboard_agents'),
    variable('policy', 'Policy', `fuseboard_policy_agents{${IN_NAMESPACE}}`),
    variable('breaker', 'Breaker', `fuseboard_breakers{${OF_POLICY}}`),
  ];
  const whole = {
    uid: 'fuseboard',
    title: 'Fuseboard',
    description: 'Circuit breakers, their policies, the agents that run them, and the operator.',
    tags: ['fuseboard', 'circuit-breaker'],
    ...{ schemaVersion: SCHEMA_VERSION, version: 1, editable: true, graphTooltip: 1, refresh: '30s' },
    timezone: 'browser',
    time: { from: 'now-1h', to: 'now' },
    templating: { list: variables },
    annotations: { list: [] },
    links: [],
    panels,
  };
  return `${JSON.stringify(whole, null, 2)}\n`;
}

function variable(name: string, label: string, series: string) {
  const query = `label_values(${series}, ${name})`;
  const all = { text: ['All'], value: ['$__all'] };
  return {
    ...{ name, label, type: 'query', datasource: DATASOURCE, definition: query, refresh: 2, sort: 1 },
    ...{ query: { query, refId: name, qryType: 1 }, multi: true, includeAll: true, allValue: '.+', current: all },
  };
}

function panelOf(panel: Panel, id: number, gridPos: object): object {
  const { title, description, type = 'timeseries', unit = 'none', badFrom, stacked, targets } = panel;
  const steps = [{ color: badFrom === undefined ? 'blue' : 'green', value: null as number | null }];
  if (badFrom !== undefined) steps.push({ color: 'red', value: badFrom });
  const custom = {
    fillOpacity: stacked ? 30 : 5,
    showPoints: 'never',
    stacking: { mode: stacked ? 'normal' : 'none' },
  };
  const late = {
    matcher: { id: 'byRegexp', options: '.* lag' },
    properties: [
      { id: 'unit', value: 's' },
      { id: 'custom.axisPlacement', value: 'right' },
    ],
  };
  const options = {
    stat: { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'value', graphMode: 'area', textMode: 'auto' },
    timeseries: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    table: { showHeader: true },
  }[type];
  const pivot = { id: 'groupingToMatrix', options: { columnField: 'state', rowField: 'policy', valueField: 'Value' } };
  return {
    ...{ id, type, title, description, datasource: DATASOURCE, gridPos, options },
    fieldConfig: {
      defaults: {
        ...{ unit, min: 0, thresholds: { mode: 'absolute', steps } },
        color: { mode: type === 'stat' ? 'thresholds' : 'palette-classic' },
        ...(type === 'timeseries' && { custom }),
      },
      overrides: targets.some(({ legend }) => legend?.endsWith(' lag')) ? [late] : [],
    },
    ...(type === 'table' && { transformations: [pivot] }),
    targets: targets.map(({ expr, legend }, i) => ({
      ...{ refId: String.fromCharCode(65 + i), datasource: DATASOURCE, expr, legendFormat: legend ?? '__auto' },
      ...(type === 'table' ? { format: 'table', instant: true, range: false } : { range: true, instant: false }),
    })),
  };
}
