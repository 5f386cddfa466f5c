/* docs/reference/metrics.md, made from the registry; a test holds the committed file against it. */
import type { Registry } from 'prom-client';
import { latencyBoundsSeconds } from './latency-histogram.js';
import {
  connectionLossReasons,
  deadLetterReasons,
  holdReasons,
  qos0LossReasons,
} from './reasons.js';

const labelMeanings: Readonly<Record<string, string>> = {
  connector: 'name of the KafkaConnector',
  route: 'name of the route',
  shard: 'index of the worker, from 0',
  side: '`mqtt` or `kafka`',
  certificate: '`ca` or `client`',
  result: '`success` or `refused`',
  version: 'version of Millrace',
  node: 'version of Node.js',
};

const reasonLists: readonly (readonly [string, readonly string[]])[] = [
  ['millrace_messages_dead_lettered_total', deadLetterReasons],
  ['millrace_holds_total', holdReasons],
  ['millrace_connection_losses_total', connectionLossReasons],
  ['millrace_qos0_messages_lost_total', qos0LossReasons],
];

/** The whole page, as it is kept in docs/reference/metrics.md. */
export async function metricsReference(registry: Registry): Promise<string> {
  const rows = registry
    .getMetricsAsArray()
    .map(({ name, help, type }) => ({
      name,
      help,
      type: String(type),
      labels: labelsOf(registry, name),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return [
    '# Metrics',
    '',
    'What `/metrics` of the admin server gives, in the text format of Prometheus. Generated from the',
    'registry: do not edit it by hand, the test of the metrics reference writes it again when it runs',
    'with `TAP_SNAPSHOT=1`.',
    '',
    'Labels come from the configuration and from the fixed lists below, never from a topic name or a',
    'client identifier off the wire, so the number of time series is known before the start.',
    '',
    '| Metric | Type | Labels | Meaning |',
    '| --- | --- | --- | --- |',
    ...rows.map(
      ({ name, type, labels, help }) =>
        `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
    ),
    '',
    `The buckets of \`millrace_delivery_latency_seconds\` double from ${latencyBoundsSeconds.at(0)} s to`,
    `${latencyBoundsSeconds.at(-1)} s.`,
    '',
    '## Labels',
    '',
    '| Label | Value |',
    '| --- | --- |',
    ...Object.entries(labelMeanings).map(([label, meaning]) => `| \`${label}\` | ${meaning} |`),
    '| `reason` | one of the list of its metric, below |',
    '',
    '## Reasons',
    '',
    '| Metric | `reason` |',
    '| --- | --- |',
    ...reasonLists.map(
      ([name, reasons]) =>
        `| \`${name}\` | ${reasons.map((reason) => `\`${reason}\``).join(', ')} |`,
    ),
    '',
  ].join('\n');
}

function labelsOf(registry: Registry, name: string): readonly string[] {
  const metric = registry.getSingleMetric(name);
  // prom-client keeps them on every metric but leaves them out of its types.
  const { labelNames } = metric as unknown as { labelNames: readonly string[] };
  return labelNames;
}
