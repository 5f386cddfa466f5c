import type { Fault } from './fault.js';

/* What happens to the MQTT broker itself. It is not killed: mosquitto loses what it has acknowledged since
 * it saved last, and HiveMQ CE loses a message now and then (test/real/hivemq.test.ts). */

export const BROKER_FAULTS: readonly Fault[] = [
  {
    ...{ name: 'broker-shutdown', lane: 'mqtt', ms: [0, 5000] },
    async begin({ broker }) {
      await broker.shutdown();
      return () => broker.start();
    },
  },
  {
    ...{ name: 'broker-pause', lane: 'mqtt', ms: [500, 14_000] },
    async begin({ broker }) {
      await broker.pause();
      return () => broker.resume();
    },
  },
];
