import { readFile, writeFile } from 'node:fs/promises';
import t from 'tap';
import { systemClock } from '../../src/base/clock.js';
import { metricsReference } from '../../src/metrics/reference.js';
import { Metrics } from '../../src/metrics/registry.js';
import { captureLog } from '../support/captured-log.js';

// Compiled, this file lies in dist/test/metrics.
const file = new URL('../../../docs/reference/metrics.md', import.meta.url);
const { registry } = new Metrics({ log: captureLog().log, clock: systemClock, version: '0.0.0' });

t.test('docs/reference/metrics.md is what the registry says', async (t) => {
  const reference = await metricsReference(registry);
  if (process.env.TAP_SNAPSHOT === '1') await writeFile(file, reference);
  t.equal(
    await readFile(file, 'utf8'),
    reference,
    'write it again with: TAP_SNAPSHOT=1 node dist/test/metrics/reference.test.js',
  );
});

t.test('every counter of ours ends in _total and names its unit or its noun in full', async (t) => {
  for (const { name, type } of registry.getMetricsAsArray()) {
    t.match(name, /^(millrace|process|nodejs)_[a-z0-9]+(_[a-z0-9]+)*$/);
    t.equal(name.endsWith('_total'), String(type) === 'counter', name);
  }
});

t.test('every label has a meaning in the reference', async (t) => {
  const reference = await metricsReference(registry);
  for (const metric of registry.getMetricsAsArray()) {
    const { labelNames } = metric as unknown as { labelNames: readonly string[] };
    for (const label of labelNames) {
      t.ok(reference.includes(`\n| \`${label}\` | `), `${metric.name}: ${label}`);
    }
  }
});
