import { BROKER_FAULTS, BROKER_KILL } from './broker.js';
import { CONNECTOR_FAULTS } from './connector.js';
import type { Fault } from './fault.js';
import { KAFKA_FAULTS } from './kafka.js';
import { LINE_FAULTS } from './lines.js';

/** Every fault there is; those of `broker-kill` only where the MQTT broker is to survive it. */
export const ALL_FAULTS: readonly Fault[] = [
  ...CONNECTOR_FAULTS,
  ...LINE_FAULTS,
  ...BROKER_FAULTS,
  BROKER_KILL,
  ...KAFKA_FAULTS,
];

/**
 * The faults that are meant.
 * @param kinds names, or what names begin with; all of them where there is none
 * @throws where nothing has such a name
 */
export function chooseFaults(faults: readonly Fault[], kinds: readonly string[]): Fault[] {
  const means = (kind: string, name: string) => name === kind || name.startsWith(`${kind}-`);
  for (const kind of kinds) {
    if (faults.some(({ name }) => means(kind, name))) continue;
    const names = faults.map(({ name }) => name).join(', ');
    throw new Error(`there is no fault '${kind}'; there are: ${names}`);
  }
  if (kinds.length === 0) return [...faults];
  return faults.filter(({ name }) => kinds.some((kind) => means(kind, name)));
}
