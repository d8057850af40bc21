/**
 * Counts and durations of requests, by route and status. Apart from prom-client because observing happens with every
 * invocation: here it costs one lookup and a few additions. The text is built on request.
 */

/** Upper bounds of the buckets, in seconds. */
const bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

type Series = { readonly counts: Float64Array; sum: number };

/** Requests of one route. */
export type RouteMetrics = {
  /** @param ms duration in milliseconds */
  observe(status: number, ms: number): void;
  /** An answer whose head was already out was cut off. */
  brokenOff(): void;
};

export type RequestMetrics = {
  /** @param name method and path pattern: never a path with names in it, which would make unbounded series */
  route(name: string): RouteMetrics;
  /** Prometheus text format 0.0.4. */
  text(): string;
};

const metric = 'skerry_http_request_duration_seconds';
const brokenMetric = 'skerry_http_answers_broken_off_total';

export function createRequestMetrics(): RequestMetrics {
  const routes = new Map<string, Map<number, Series>>();
  const broken = new Map<string, number>();
  return {
    route(name) {
      const byStatus = routes.get(name) ?? new Map<number, Series>();
      routes.set(name, byStatus);
      return {
        observe(status, ms) {
          let series = byStatus.get(status);
          if (!series) {
            series = { counts: new Float64Array(bounds.length + 1), sum: 0 };
            byStatus.set(status, series);
          }
          const seconds = ms / 1000;
          let bucket = 0;
          while (bucket < bounds.length && seconds > (bounds[bucket] as number)) bucket += 1;
          series.counts[bucket] = (series.counts[bucket] as number) + 1;
          series.sum += seconds;
        },
        brokenOff() {
          broken.set(name, (broken.get(name) ?? 0) + 1);
        },
      };
    },
    text() {
      const lines = [`# HELP ${metric} Duration of HTTP requests by route and status.`, `# TYPE ${metric} histogram`];
      for (const [route, byStatus] of routes) {
        for (const [status, series] of byStatus)
          lines.push(...seriesLines(`route="${route}",status="${status}"`, series));
      }
      lines.push(`# HELP ${brokenMetric} Answers cut off after their head.`, `# TYPE ${brokenMetric} counter`);
      for (const [route, count] of broken) lines.push(`${brokenMetric}{route="${route}"} ${count}`);
      return `${lines.join('\n')}\n`;
    },
  };
}

function seriesLines(labels: string, { counts, sum }: Series): string[] {
  let total = 0;
  const buckets = [...bounds, '+Inf'].map((bound, index) => {
    total += counts[index] ?? 0;
    return `${metric}_bucket{${labels},le="${bound}"} ${total}`;
  });
  return [...buckets, `${metric}_sum{${labels}} ${sum}`, `${metric}_count{${labels}} ${total}`];
}
