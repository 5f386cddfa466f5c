/* Has the doctor look at a configuration, for tests. */
import { systemClock } from '../../src/base/clock.js';
import type { KafkaInspection } from '../../src/channel/kafka-inspection.js';
import { type DoctorOptions, examine } from '../../src/doctor/doctor.js';
import type { Step } from '../../src/doctor/report.js';
import { seal } from '../../src/secrets/sealed.js';
import type { InlineObjects, SecretSource } from '../../src/secrets/secret-source.js';
import { modelOf } from '../config/documents.js';
import { BROKER_CA_PEM } from '../support/server-certificates.js';

const NOTHING_INSPECTED: KafkaInspection = {
  fault: { reason: 'timeout', detail: 'nobody was asked' },
  brokers: [],
  topics: [],
  groups: [],
};

export type TextObjects = Readonly<Record<string, Readonly<Record<string, string>>>>;

function base64(objects: TextObjects): InlineObjects['Secret'] {
  const encode = (text: string) => Buffer.from(text).toString('base64');
  return Object.fromEntries(
    Object.entries(objects).map(([name, keys]) => [
      name,
      Object.fromEntries(Object.entries(keys).map(([key, value]) => [key, encode(value)])),
    ]),
  );
}

/** Secrets and config maps as documents have them; the CA of the test's brokers is one of them. */
export function secretsOf(Secret: TextObjects = {}, ConfigMap: TextObjects = {}): SecretSource {
  const configMaps = { 'broker-ca': { 'ca.crt': BROKER_CA_PEM }, ...ConfigMap };
  return {
    secretsDir: undefined,
    configMapsDir: undefined,
    serviceAccountTokenFile: undefined,
    inline: seal<InlineObjects>({ Secret: base64(Secret), ConfigMap: base64(configMaps) }),
  };
}

/** Steps without what a test does not look at. */
export async function examined(
  documents: string,
  options: Partial<DoctorOptions> = {},
): Promise<readonly Step[]> {
  return await examine({
    model: modelOf(documents),
    secrets: secretsOf(),
    timeoutMs: 10_000,
    clock: systemClock,
    onStep: () => {},
    askToken: () => Promise.reject(new Error('nobody needs a token')),
    inspect: () => Promise.resolve(NOTHING_INSPECTED),
    ...options,
  });
}

/** As `passed tls`, of one side. */
export function outline(steps: readonly Step[], side: Step['side']): string[] {
  return steps
    .filter((step) => step.side === side)
    .map(({ outcome, check }) => `${outcome} ${check}`);
}

export function textsOf(steps: readonly Step[], outcome: Step['outcome']): string[] {
  return steps.filter((step) => step.outcome === outcome).map(({ text }) => text);
}
