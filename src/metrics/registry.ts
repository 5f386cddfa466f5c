/* The prom-client registry of the process. Counting never goes through prom-client: its metrics
 * are filled from the plain counters when somebody scrapes.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import type { ConnectorCounters } from './counters.js';
import { latencyDefinition, metricDefinitions } from './definitions.js';
import { ConnectorEvents } from './events.js';
import { LatencyMetric } from './latency-metric.js';
import { LoopStalls } from './loop-stalls.js';
import type { MetricDefinition } from './metric-definition.js';
import { registerProcessMetrics } from './process-metrics.js';

export interface MetricsOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly version: string;
}

export class Metrics {
  readonly registry = new Registry();
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  /** What the main thread's loop did not do in time. */
  readonly loop: LoopStalls;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #connectors = new Map<string, ConnectorEvents>();

  constructor({ log, clock, version }: MetricsOptions) {
    this.#log = log;
    this.#clock = clock;
    for (const definition of metricDefinitions) this.#register(definition);
    new LatencyMetric({
      name: latencyDefinition.name,
      help: latencyDefinition.help,
      labelNames: latencyDefinition.labels,
      registry: this.registry,
      read: () => this.#counters().flatMap((counters) => latencyDefinition.histograms(counters)),
    });
    registerProcessMetrics(this.registry, version);
    this.loop = new LoopStalls(this.registry, log);
  }

  /** The same object for the same name: counters live as long as the process. `log` is for its events. */
  connector(name: string, log: Log = this.#log): ConnectorEvents {
    const known = this.#connectors.get(name);
    if (known !== undefined) return known;
    const events = new ConnectorEvents(name, log, this.#clock);
    this.#connectors.set(name, events);
    return events;
  }

  /** Everything, in Prometheus' text format. */
  text(): Promise<string> {
    return this.registry.metrics();
  }

  #counters(): ConnectorCounters[] {
    return [...this.#connectors.values()].map(({ counters }) => counters);
  }

  #register(definition: MetricDefinition): void {
    const read = () =>
      this.#counters().flatMap((counters) => definition.samples(counters, this.#clock));
    const options = {
      name: definition.name,
      help: definition.help,
      labelNames: [...definition.labels],
      registers: [this.registry],
    };
    if (definition.type === 'counter') {
      new Counter({
        ...options,
        collect() {
          this.reset();
          for (const { labels, value } of read()) this.inc(labels, value);
        },
      });
      return;
    }
    new Gauge({
      ...options,
      collect() {
        this.reset();
        for (const { labels, value } of read()) this.set(labels, value);
      },
    });
  }
}
