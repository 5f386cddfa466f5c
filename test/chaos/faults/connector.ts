import { type Fault, nothingToEnd } from './fault.js';

/* What happens to the connector: the process as a whole, its main thread, one of its workers. */

export const CONNECTOR_FAULTS: readonly Fault[] = [
  {
    ...{ name: 'process-kill', lane: 'connector', ms: [0, 3000] },
    async begin({ connector }) {
      await connector.kill();
      return () => connector.start();
    },
  },
  {
    ...{ name: 'process-stop', lane: 'connector', ms: [500, 14_000] },
    async begin({ connector }) {
      connector.pause();
      return async () => connector.resume();
    },
  },
  {
    ...{ name: 'process-terminate', lane: 'connector', ms: [0, 3000] },
    async begin({ connector }) {
      await connector.terminate();
      return () => connector.start();
    },
  },
  inside('worker-terminate', 'terminate'),
  inside('worker-error', 'error'),
  inside('worker-heap', 'heap'),
  blocked('worker-block', 'block'),
  blocked('main-block', 'blockMain'),
];

/** Something that a thread does not survive; the connector replaces it. */
function inside(name: string, act: 'terminate' | 'error' | 'heap'): Fault {
  return {
    ...{ name, lane: 'connector', ms: [1000, 4000] },
    async begin({ connector }) {
      await connector.sabotage({ act, ms: 0 });
      return nothingToEnd;
    },
  };
}

/** A thread that stands still, for a while. */
function blocked(name: string, act: 'block' | 'blockMain'): Fault {
  return {
    ...{ name, lane: 'connector', ms: [200, 12_000] },
    async begin({ connector }, _random, durationMs) {
      await connector.sabotage({ act, ms: durationMs });
      return nothingToEnd;
    },
  };
}
