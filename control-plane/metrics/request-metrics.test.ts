import { expect, test } from 'vitest';
import { createRequestMetrics } from './request-metrics.ts';

test('counts by route and status, in cumulative buckets', () => {
  const requests = createRequestMetrics();
  const route = requests.route('GET /v1/fn');
  route.observe(200, 0.5);
  route.observe(200, 0.6);
  route.observe(200, 70_000);
  route.observe(404, 1);
  const lines = requests.text().split('\n');
  const name = 'skerry_http_request_duration_seconds';
  const ok = 'route="GET /v1/fn",status="200"';
  expect(lines).toEqual(
    expect.arrayContaining([
      `# TYPE ${name} histogram`,
      `${name}_bucket{${ok},le="0.0005"} 1`,
      `${name}_bucket{${ok},le="0.001"} 2`,
      `${name}_bucket{${ok},le="60"} 2`,
      `${name}_bucket{${ok},le="+Inf"} 3`,
      `${name}_count{${ok}} 3`,
      `${name}_count{route="GET /v1/fn",status="404"} 1`,
    ]),
  );
  expect(
    Number(
      lines
        .find((line) => line.startsWith(`${name}_sum{${ok}}`))
        ?.split(' ')
        .at(-1),
    ),
  ).toBeCloseTo(70.0011);
});

test('the same route twice is one route', () => {
  const requests = createRequestMetrics();
  requests.route('a').observe(200, 1);
  requests.route('a').observe(200, 1);
  expect(requests.text()).toContain('_count{route="a",status="200"} 2');
});
