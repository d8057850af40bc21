/**
 * Reads the metrics that scheduling needs from an agent's Prometheus text. Agents are not trusted: a value that is no
 * plain, non-negative number is left out.
 */
import { agentMetrics } from '@skerry/shared/metrics.ts';

export type ScrapedLoad = {
  memoryAvailable?: number;
  memoryTotal?: number;
  running?: number;
};

/** @param text Prometheus text format 0.0.4 */
export function readLoad(text: string): ScrapedLoad {
  const load: ScrapedLoad = {};
  for (const [key, metric] of Object.entries(agentMetrics) as [keyof ScrapedLoad, string][]) {
    const value = sampleOf(text, metric);
    if (value !== undefined) load[key] = value;
  }
  return load;
}

function sampleOf(text: string, metric: string): number | undefined {
  for (let at = text.indexOf(metric); at !== -1; at = text.indexOf(metric, at + 1)) {
    if (at !== 0 && text[at - 1] !== '\n') continue;
    const end = text.indexOf('\n', at);
    const match = /^(?:\{[^\n]*\})? (\d+(?:\.\d+)?(?:e\+?\d+)?)$/.exec(
      text.slice(at + metric.length, end === -1 ? undefined : end),
    );
    const value = Number(match?.[1]);
    if (match && Number.isFinite(value)) return value;
  }
  return undefined;
}
