/* prom-client can only observe one value at a time; this one gives it buckets that were counted
 * elsewhere, in the shape that the registry turns into text.
 */
import {
  Histogram,
  type MetricObjectWithValues,
  type MetricValue,
  type Registry,
} from 'prom-client';
import type { LabelledHistogram } from './definitions.js';
import { latencyBoundsSeconds } from './latency-histogram.js';

export interface LatencyMetricOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly registry: Registry;
  readonly read: () => readonly LabelledHistogram[];
}

type HistogramValues = MetricObjectWithValues<MetricValue<string> & { metricName: string }>;

export class LatencyMetric extends Histogram<string> {
  readonly #name: string;
  readonly #help: string;
  readonly #read: () => readonly LabelledHistogram[];

  constructor({ name, help, labelNames, registry, read }: LatencyMetricOptions) {
    super({
      name,
      help,
      labelNames: [...labelNames],
      buckets: [...latencyBoundsSeconds],
      registers: [registry],
    });
    this.#name = name;
    this.#help = help;
    this.#read = read;
  }

  override async get(): Promise<HistogramValues> {
    const values = this.#read().flatMap((labelled) => this.#samples(labelled));
    return {
      name: this.#name,
      help: this.#help,
      type: 'histogram',
      values,
      aggregator: 'sum',
    } as unknown as HistogramValues;
  }

  /** The registry prefers this method, where a metric has it, when it makes text. */
  getForPromString(): Promise<HistogramValues> {
    return this.get();
  }

  #samples({ labels, histogram }: LabelledHistogram): HistogramValues['values'] {
    const samples: HistogramValues['values'] = [];
    let cumulative = 0;
    histogram.counts.forEach((count, slot) => {
      cumulative += count;
      const le = latencyBoundsSeconds[slot] ?? '+Inf';
      samples.push({
        metricName: `${this.#name}_bucket`,
        labels: { ...labels, le },
        value: cumulative,
      });
    });
    samples.push({ metricName: `${this.#name}_sum`, labels, value: histogram.sumMs / 1000 });
    samples.push({ metricName: `${this.#name}_count`, labels, value: histogram.count });
    return samples;
  }
}
