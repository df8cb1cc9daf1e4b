import type { FormatName } from '../src/index.ts';

const combinedLine = (time: string, request: string, status: number, rest = '') =>
  `203.0.113.9 - - [01/May/2024:${time} +0000] "${request}" ${status} 512 "-" "curl/8.5.0"${rest}\n`;

const alb = (type: string, answered: string, target: string, times: string, status: string, created: string) =>
  `${type} 2024-05-01T${answered}Z app/front/50dc6c495c0c9188 203.0.113.9:2817 ${target} ${times} ${status} - 34 366 ` +
  '"GET https://shop.example:443/orders/88123?voucher=X HTTP/1.1" "curl/8.5.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 ' +
  'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/orders/73e2d6bc24d8a067 "Root=1-58337364-23a8c76965a2ef7629b185e3" ' +
  `"shop.example" "-" 0 2024-05-01T${created}Z "forward" "-" "-" "${target}" "200" "-" "-"\n`;

const otlpSpan = (kind: number, from: string, to: string, attributes: object[], more: object = {}) => ({
  traceId: '5b8efff798038103d269b633813fc60c',
  spanId: 'eee19b7ec3c1b174',
  name: 'GET',
  kind,
  startTimeUnixNano: from,
  endTimeUnixNano: to,
  attributes,
  status: {},
  ...more,
});
const text = (key: string, value: string) => ({ key, value: { stringValue: value } });
const whole = (key: string, value: string) => ({ key, value: { intValue: value } });

const otlp = {
  resourceSpans: [
    {
      resource: { attributes: [text('service.name', 'checkout'), text('k8s.pod.name', 'checkout-7d9f-abcde')] },
      scopeSpans: [
        {
          scope: { name: 'http' },
          spans: [
            otlpSpan(3, '1714557600123456789', '1714557600223956789', [
              text('server.address', 'payments'),
              whole('http.response.status_code', '200'),
              text('url.full', 'https://payments/charge/81273?card=4111'),
            ]),
            otlpSpan(3, '1714557601000000000', '1714557602000000000', [
              text('server.address', 'payments'),
              whole('http.response.status_code', '503'),
            ]),
            otlpSpan(2, '1714557600000000000', '1714557600300000000', [whole('http.response.status_code', '200')]),
          ],
        },
      ],
    },
  ],
};

const jaegerTag = (key: string, type: string, value: unknown) => ({ key, type, value });
const jaeger = {
  data: [
    {
      traceID: 'a1',
      spans: [
        {
          traceID: 'a1',
          spanID: 'c1',
          operationName: 'HTTP GET',
          references: [],
          startTime: 1714557600123456,
          duration: 100500,
          tags: [jaegerTag('span.kind', 'string', 'client'), jaegerTag('http.status_code', 'int64', 200)],
          processID: 'p1',
        },
        {
          traceID: 'a1',
          spanID: 's1',
          operationName: 'GET /charge',
          references: [{ refType: 'CHILD_OF', traceID: 'a1', spanID: 'c1' }],
          startTime: 1714557600133456,
          duration: 80000,
          tags: [jaegerTag('span.kind', 'string', 'server')],
          processID: 'p2',
        },
      ],
      processes: {
        p1: { serviceName: 'checkout', tags: [jaegerTag('hostname', 'string', 'checkout-7d9f-abcde')] },
        p2: { serviceName: 'payments', tags: [] },
      },
    },
  ],
  total: 0,
  errors: null,
};

const harEntry = (start: string, time: number, status: number, more: object = {}) => ({
  startedDateTime: start,
  time,
  request: { method: 'GET', url: 'https://api.shop.example/users/alice/orders?token=s3cret', headers: [], cookies: [] },
  response: { status, content: { size: 9, mimeType: 'application/json', text: '{"a":"b"}' } },
  cache: {},
  timings: { blocked: -1, dns: -1, connect: 3, send: 1, wait: 90, receive: 2 },
  ...more,
});

const k6Point = (metric: string, time: string, value: number, status = '200', error = '') =>
  `${JSON.stringify({
    type: 'Point',
    metric,
    data: {
      time: `2024-05-01T${time}+02:00`,
      value,
      tags: {
        expected_response: status === '200' ? 'true' : 'false',
        method: 'GET',
        name: 'https://shop.example/orders',
        scenario: 'default',
        status,
        url: 'https://shop.example/orders',
        ...(error === '' ? {} : { error_code: error }),
      },
    },
  })}\n`;

/** Lines as each format documents them, with names, addresses and numbers of our own. */
export const SAMPLES: Readonly<Record<FormatName, string>> = {
  recording:
    '{"fuseboard":"calls/1","agent":"0.1.0","instance":"checkout-1","share":1}\n' +
    '{"t":1714557600123,"d":12.5,"o":"success","s":200,"b":"payments","k":"/charge","f":1}\n' +
    '{"t":1714557600200,"d":1000,"o":"failure","e":"timeout","b":"payments","f":1}\n' +
    '{"t":1714557600300,"d":0,"o":"rejected","b":"payments","f":1}\n',
  nginx:
    combinedLine('10:00:02', 'GET /orders/123?page=2 HTTP/1.1', 200, ' 1.250 1.248 10.0.3.17:8080') +
    combinedLine('10:00:03', 'GET /orders HTTP/1.1', 504, ' 2.500 1.000, 1.500 10.0.3.17:8080, 10.0.3.18:8080') +
    combinedLine('10:00:03', 'POST /orders HTTP/1.1', 499, ' 0.100 - -'),
  'nginx-json':
    '{"time_iso8601":"2024-05-01T10:00:02+00:00","status":"200","request_time":"1.250","request_uri":"/orders/123?page=2","host":"shop.example","upstream_addr":"10.0.3.17:8080"}\n' +
    '{"time_iso8601":"2024-05-01T10:00:03+00:00","status":"502","request_time":"0.500","request_uri":"/orders","host":"shop.example","upstream_addr":"10.0.3.17:8080"}\n',
  apache:
    combinedLine('10:00:02', 'GET /orders HTTP/1.1', 200, ' 1250000') +
    combinedLine('10:00:03', 'GET /orders HTTP/1.1', 503, ' 40000'),
  combined: combinedLine('10:00:02', 'GET /orders HTTP/1.1', 200) + combinedLine('10:00:03', 'GET /x HTTP/1.1', 500),
  envoy:
    '[2024-05-01T10:00:02.123Z] "GET /orders/88123?voucher=X HTTP/2" 200 - 0 135 226 223 "203.0.113.9" "curl/8.5.0" "cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "orders.shop" "10.0.3.17:8080"\n' +
    '[2024-05-01T10:00:02.500Z] "GET /orders HTTP/2" 503 UO 0 81 0 - "-" "curl/8.5.0" "cc21d9b0-cf5c-432b-8c7e-98aeb7988cd3" "orders.shop" "-"\n',
  'envoy-json':
    '{"start_time":"2024-05-01T10:00:02.123Z","method":"GET","path":"/orders/88123?voucher=X","response_code":200,"response_flags":"-","duration":226,"authority":"orders.shop","upstream_host":"10.0.3.17:8080"}\n' +
    '{"start_time":"2024-05-01T10:00:02.500Z","method":"GET","path":"/orders","response_code":0,"response_flags":"DC","duration":900,"authority":"orders.shop","upstream_host":null}\n',
  alb:
    alb('https', '10:00:02.500000', '10.0.0.66:9000', '0.086 0.048 0.037', '200', '10:00:02.329000') +
    alb('https', '10:00:03.000000', '-', '-1 -1 -1', '503', '10:00:02.990000') +
    alb('wss', '10:09:00.000000', '10.0.0.66:9000', '0.000 400.0 0.000', '101', '10:02:20.000000'),
  otlp: `${JSON.stringify(otlp)}\n`,
  jaeger: JSON.stringify(jaeger, null, 2),
  har: JSON.stringify(
    {
      log: {
        version: '1.2',
        creator: { name: 'browser', version: '1' },
        entries: [
          harEntry('2024-05-01T12:00:02.123+02:00', 96, 200),
          harEntry('2024-05-01T12:00:03.000+02:00', -1, 0, {
            response: { status: 0, _error: 'net::ERR_TIMED_OUT', content: {} },
          }),
          harEntry('2024-05-01T12:00:03.500+02:00', 1, 200, { _fromCache: 'memory' }),
        ],
      },
    },
    null,
    1,
  ),
  'jmeter-csv':
    'timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,failureMessage,bytes,sentBytes,grpThreads,allThreads,URL,Latency,IdleTime,Connect\n' +
    '1714557602123,226,Orders,200,OK,Users 1-1,text,true,,135,90,1,1,https://shop.example/orders?x=1,220,0,3\n' +
    '1714557602500,1000,Orders,Non HTTP response code: java.net.SocketTimeoutException,"Non HTTP response message: Read timed out, really",Users 1-2,text,false,,0,0,2,2,https://shop.example/orders,0,0,3\n' +
    '1714557602123,1400,Visit,200,"Number of samples in transaction : 2, number of failing samples : 1",Users 1-1,,false,,135,90,1,1,null,220,0,3\n',
  'jmeter-xml':
    '<?xml version="1.0" encoding="UTF-8"?>\n<testResults version="1.2">\n' +
    '<httpSample t="226" lt="220" ts="1714557602123" s="true" lb="Orders" rc="200" rm="OK" tn="Users 1-1" dt="text" by="135">\n' +
    '  <httpSample t="100" lt="90" ts="1714557602223" s="true" lb="Picture" rc="200" rm="OK" tn="Users 1-1"/>\n' +
    '</httpSample>\n<sample t="1400" ts="1714557602400" s="false" lb="Visit" rc="" rm="" tn="Users 1-1">\n' +
    '  <httpSample t="1000" ts="1714557602500" s="false" lb="Orders" rc="503" rm="Service &lt;Unavailable&gt;" tn="Users 1-2"><responseData class="java.lang.String">a &amp; b</responseData></httpSample>\n' +
    '</sample>\n</testResults>\n',
  'k6-json':
    '{"type":"Metric","data":{"name":"http_req_duration","type":"trend","contains":"time"},"metric":"http_req_duration"}\n' +
    k6Point('http_reqs', '12:00:02.500000000', 1) +
    k6Point('http_req_duration', '12:00:02.500000000', 226) +
    k6Point('http_req_blocked', '12:00:02.500000000', 24) +
    k6Point('http_req_waiting', '12:00:02.500000000', 220) +
    k6Point('http_req_duration', '12:00:03.500000000', 0, '0', '1050') +
    k6Point('http_req_blocked', '12:00:03.500000000', 1000, '0', '1050'),
  'k6-csv':
    'metric_name,timestamp,metric_value,check,error,error_code,expected_response,group,method,name,proto,scenario,service,status,subproto,tls_version,url,extra_tags\n' +
    'http_reqs,1714557602,1,,,,true,,GET,https://shop.example/orders,HTTP/1.1,default,,200,,,https://shop.example/orders,\n' +
    'http_req_duration,1714557602,226,,,,true,,GET,https://shop.example/orders,HTTP/1.1,default,,200,,,https://shop.example/orders,\n' +
    'http_req_blocked,1714557602,24,,,,true,,GET,https://shop.example/orders,HTTP/1.1,default,,200,,,https://shop.example/orders,\n',
  prometheus: JSON.stringify({
    status: 'success',
    data: {
      resultType: 'matrix',
      result: [
        {
          metric: { __name__: 'http_requests_total', job: 'orders', pod: 'orders-1', code: '200' },
          values: [
            [1714557600, '100'],
            [1714557630, '106'],
            [1714557660, '4'],
          ],
        },
        {
          metric: { __name__: 'http_requests_total', job: 'orders', pod: 'orders-1', code: '503' },
          values: [
            [1714557600, '0'],
            [1714557630, '3'],
            [1714557660, 'NaN'],
          ],
        },
      ],
    },
  }),
  series:
    '{"t":0,"d":5.6,"s":null,"e":null,"from":"frontend","to":"catalogue"}\n' +
    '{"t":30,"d":1000,"s":null,"e":"timeout","from":"frontend","to":"catalogue"}\n',
  csv: 'when;took;code\n2024-05-01 10:00:02,123;0,226;200\n',
  ndjson: '{"ts":"2024-05-01T10:00:02.123Z","http":{"ms":226,"code":200}}\n',
};
