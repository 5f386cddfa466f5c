import { BROKER_FAULTS } from './broker.js';
import { CONNECTOR_FAULTS } from './connector.js';
import { DISK_FULL } from './disk.js';
import type { Fault } from './fault.js';
import { KAFKA_FAULTS } from './kafka.js';
import { LINE_FAULTS } from './lines.js';

/** Every fault there is. */
export const ALL_FAULTS: readonly Fault[] = [
  ...CONNECTOR_FAULTS,
  ...LINE_FAULTS,
  ...BROKER_FAULTS,
  ...KAFKA_FAULTS,
  DISK_FULL,
];

/** Those that can be had: a disk is filled only where it is a small one of the run's own. */
export function possibleFaults(smallDisk: boolean): Fault[] {
  return ALL_FAULTS.filter((fault) => fault !== DISK_FULL || smallDisk);
}

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
