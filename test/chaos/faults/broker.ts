import type { Fault } from './fault.js';

/* What happens to the MQTT broker itself. */

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

/** For a broker that keeps what it has acknowledged when it is killed; mosquitto does not. */
export const BROKER_KILL: Fault = {
  ...{ name: 'broker-kill', lane: 'mqtt', ms: [0, 5000] },
  async begin({ broker }) {
    await broker.kill();
    return () => broker.start();
  },
};
