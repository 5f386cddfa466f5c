import type { OpenTarget, ProducerSettings } from '../../src/channel/protocol.js';

/** Without batching, idempotent unless `settings` say otherwise, and then with acks 1. */
export function openTargetOf(
  topic: string,
  settings: Partial<ProducerSettings> = {},
  targetId = 0,
): OpenTarget {
  return {
    kind: 'openTarget',
    targetId,
    producer: {
      lingerMs: 0,
      batchMessagesMax: 10_000,
      batchBytesMax: 1_000_000,
      idempotent: true,
      requestsInFlightMax: 5,
      variant: 0,
      ...settings,
    },
    topic,
    acks: settings.idempotent === false ? 'one' : 'all',
    compression: 'none',
    rule: 1,
    instanceId: 0,
  };
}
