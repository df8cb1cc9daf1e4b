import type { FormatName, ReadOptions } from '../src/index.ts';

/** One call of the traffic that is written in every format: 500 calls/s of 40 instances, 2 % failing. */
interface Made {
  readonly n: number;
  readonly start: number;
  readonly ms: number;
  readonly status: number;
  readonly instance: number;
}

/** How the files of one format are made: a beginning, a text for each call, and an end. */
export interface Recorded {
  readonly format: FormatName;
  readonly options?: ReadOptions;
  readonly head?: string;
  readonly call: (made: Made) => string;
  readonly between?: string;
  readonly tail?: string;
}

const BEGIN = Date.UTC(2024, 4, 1);
const PER_SECOND = 500;

/** The n-th call; the same in each run and for each format. */
export function made(n: number): Made {
  const spread = ((n * 2_654_435_761) >>> 0) / 2 ** 32;
  return {
    n,
    start: BEGIN + Math.floor((n * 1000) / PER_SECOND),
    ms: Math.round(5 + 200 * spread ** 4),
    status: n % 50 === 0 ? 503 : 200,
    instance: n % 40,
  };
}

const iso = (ms: number) => new Date(ms).toISOString();
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const bracket = (ms: number) => {
  const text = iso(ms);
  return `${text.slice(8, 10)}/${MONTHS[Number(text.slice(5, 7)) - 1]}/${text.slice(0, 4)}:${text.slice(11, 19)} +0000`;
};
const seconds = (ms: number) => (ms / 1000).toFixed(3);
const combined = ({ n, start, status }: Made, time: number, rest: string) =>
  `203.0.113.${n % 250} - - [${bracket(time || start)}] "GET /orders/${n}?page=2 HTTP/1.1" ${status} 512 "-" "Mozilla/5.0 (X11; Linux x86_64)"${rest}\n`;
const nano = (ms: number) => `${ms}000000`;
const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const url = (n: number) => `https://shop.example/orders/${n}?page=2`;

/** A Prometheus series is a day at steps of 15 s; the calls of the others are single. */
const STEPS = 5_760;

function prometheusSeries({ n }: Made): string {
  const values = Array.from({ length: STEPS }, (_, step) => [
    BEGIN / 1000 + 15 * step,
    String(Math.floor((step * (1 + (n % 7))) / 64)),
  ]);
  return JSON.stringify({
    metric: {
      __name__: 'http_requests_total',
      job: 'orders',
      pod: `orders-${n % 40}`,
      path: `/${n}`,
      code: n % 5 === 0 ? '503' : '200',
    },
    values,
  });
}

function otlpLine({ start, ms, status, instance }: Made): string {
  const span = (at: number) => ({
    traceId: '5b8efff798038103d269b633813fc60c',
    spanId: 'eee19b7ec3c1b174',
    name: 'GET /orders/:id',
    kind: at % 2 === 0 ? 3 : 2,
    startTimeUnixNano: nano(start + at),
    endTimeUnixNano: nano(start + at + ms),
    attributes: [
      text('server.address', 'orders'),
      text('http.response.status_code', String(status)),
      text('url.full', url(at)),
    ],
    status: {},
  });
  const resource = { attributes: [text('service.name', 'shop'), text('k8s.pod.name', `shop-${instance}`)] };
  return `${JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [0, 1, 2, 3, 4, 5].map(span) }] }] })}\n`;
}

function jaegerTrace({ n, start, ms, status }: Made): string {
  const tag = (key: string, value: unknown) => ({ key, type: 'string', value });
  const span = (id: string, kind: string, processID: string, parent?: string) => ({
    traceID: `t${n}`,
    spanID: id,
    operationName: 'GET',
    references: parent === undefined ? [] : [{ refType: 'CHILD_OF', traceID: `t${n}`, spanID: parent }],
    startTime: start * 1000,
    duration: ms * 1000,
    tags: [tag('span.kind', kind), tag('http.status_code', status), tag('http.url', url(n))],
    logs: [],
    processID,
  });
  return JSON.stringify({
    traceID: `t${n}`,
    spans: [span('c', 'client', 'p1'), span('s', 'server', 'p2', 'c')],
    processes: {
      p1: { serviceName: 'shop', tags: [tag('hostname', `shop-${n % 40}`)] },
      p2: { serviceName: 'orders', tags: [] },
    },
  });
}

const k6Line = (metric: string, value: number, { start, ms, status, n }: Made) =>
  `${JSON.stringify({ type: 'Point', metric, data: { time: iso(start + ms), value, tags: { expected_response: 'true', method: 'GET', name: 'orders', scenario: 'default', status: String(status), url: url(n) } } })}\n`;
const K6_METRICS = [
  'http_reqs',
  'http_req_duration',
  'http_req_blocked',
  'http_req_connecting',
  'http_req_waiting',
  'http_req_failed',
];

/** Every format that can be read. */
export const RECORDED: readonly Recorded[] = [
  {
    format: 'recording',
    head: '{"fuseboard":"calls/1"}\n',
    call: ({ start, ms, status, instance }) =>
      `{"t":${start},"d":${ms},"o":"${status < 500 ? 'success' : 'failure'}","s":${status},"b":"orders","k":"/orders/:id","i":"shop-${instance}","f":1}\n`,
  },
  {
    format: 'nginx',
    call: (one) =>
      combined(one, one.start + one.ms, ` ${seconds(one.ms)} ${seconds(one.ms)} 10.0.3.${one.instance}:8080`),
  },
  {
    format: 'nginx-json',
    call: ({ n, start, ms, status, instance }) =>
      `{"time_iso8601":"${iso(start + ms).slice(0, 19)}+00:00","remote_addr":"203.0.113.9","status":"${status}","request_time":"${seconds(ms)}","request_uri":"/orders/${n}?page=2","host":"shop.example","upstream_addr":"10.0.3.${instance}:8080"}\n`,
  },
  { format: 'apache', options: { durationUnit: 'us' }, call: (one) => combined(one, one.start, ` ${one.ms * 1000}`) },
  { format: 'combined', call: (one) => combined(one, one.start + one.ms, '') },
  {
    format: 'envoy',
    call: ({ n, start, ms, status, instance }) =>
      `[${iso(start)}] "GET /orders/${n}?page=2 HTTP/2" ${status} - 0 135 ${ms} ${ms} "203.0.113.9" "curl/8.5.0" "cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "orders.shop" "10.0.3.${instance}:8080"\n`,
  },
  {
    format: 'envoy-json',
    call: ({ n, start, ms, status, instance }) =>
      `{"start_time":"${iso(start)}","method":"GET","path":"/orders/${n}?page=2","response_code":${status},"response_flags":"-","duration":${ms},"authority":"orders.shop","upstream_host":"10.0.3.${instance}:8080"}\n`,
  },
  {
    format: 'alb',
    call: ({ n, start, ms, status, instance }) =>
      `https ${iso(start + ms)} app/front/50dc6c495c0c9188 203.0.113.9:2817 10.0.0.${instance}:9000 0.000 ${seconds(ms)} 0.000 ${status} ${status} 34 366 "GET https://shop.example:443/orders/${n} HTTP/1.1" "curl/8.5.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/orders/73e2d6bc24d8a067 "Root=1-58337364-23a8c76965a2ef7629b185e3" "shop.example" "-" 0 ${iso(start)} "forward" "-" "-" "10.0.0.${instance}:9000" "${status}" "-" "-"\n`,
  },
  { format: 'otlp', call: otlpLine },
  { format: 'jaeger', head: '{"data":[', call: jaegerTrace, between: ',\n', tail: '],"total":0}' },
  {
    format: 'har',
    head: '{"log":{"version":"1.2","entries":[',
    call: ({ n, start, ms, status }) =>
      JSON.stringify({
        startedDateTime: iso(start),
        time: ms,
        request: {
          method: 'GET',
          url: url(n),
          headers: Array.from({ length: 8 }, (_, at) => ({ name: `h${at}`, value: 'v'.repeat(30) })),
        },
        response: { status, content: { size: 600, mimeType: 'application/json', text: '{"a":"b"} '.repeat(60) } },
        timings: { send: 0, wait: ms, receive: 0 },
      }),
    between: ',\n',
    tail: ']}}',
  },
  {
    format: 'jmeter-csv',
    head: 'timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,bytes,sentBytes,grpThreads,allThreads,URL,Latency,IdleTime,Connect\n',
    call: ({ n, start, ms, status }) =>
      `${start},${ms},Orders,${status},OK,Users 1-${n % 40},text,${status < 500},,135,90,40,40,${url(n)},${ms},0,3\n`,
  },
  {
    format: 'jmeter-xml',
    head: '<?xml version="1.0" encoding="UTF-8"?>\n<testResults version="1.2">\n',
    call: ({ n, start, ms, status }) =>
      `<httpSample t="${ms}" it="0" lt="${ms}" ct="3" ts="${start}" s="${status < 500}" lb="Orders" rc="${status}" rm="OK" tn="Users 1-${n % 40}" dt="text" by="135" sby="90" ng="40" na="40">\n  <java.net.URL>${url(n)}</java.net.URL>\n</httpSample>\n`,
    tail: '</testResults>\n',
  },
  {
    format: 'k6-json',
    call: (one) =>
      K6_METRICS.map((metric) => k6Line(metric, metric === 'http_req_blocked' ? 0.01 : one.ms, one)).join(''),
  },
  {
    format: 'k6-csv',
    head: 'metric_name,timestamp,metric_value,check,error,error_code,expected_response,group,method,name,proto,scenario,service,status,subproto,tls_version,url,extra_tags\n',
    call: (one) =>
      K6_METRICS.map(
        (metric) =>
          `${metric},${Math.floor((one.start + one.ms) / 1000)},${one.ms},,,,true,,GET,orders,HTTP/1.1,default,,${one.status},,,${url(one.n)},\n`,
      ).join(''),
  },
  {
    format: 'prometheus',
    head: '{"status":"success","data":{"resultType":"matrix","result":[',
    call: prometheusSeries,
    between: ',',
    tail: ']}}',
  },
  {
    format: 'series',
    call: ({ start, ms, status }) =>
      `{"t":${start - BEGIN},"d":${ms},"s":${status},"e":null,"from":"shop","to":"orders"}\n`,
  },
  {
    format: 'csv',
    options: { fields: { time: 'when', duration: 'took', status: 'code', breaker: 'service' } },
    head: 'when,took,code,service\n',
    call: ({ start, ms, status }) => `${start},${ms},${status},orders\n`,
  },
  {
    format: 'ndjson',
    options: { fields: { time: 'at', duration: 'http.ms', status: 'http.code', breaker: 'service' } },
    call: ({ start, ms, status }) => `{"at":"${iso(start)}","http":{"ms":${ms},"code":${status}},"service":"orders"}\n`,
  },
];
