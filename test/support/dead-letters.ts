import type { DeadLetter } from '../../src/dead-letter/letter.js';

const encoder = new TextEncoder();

export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

/** A dead letter with something in every field. */
export function sampleLetter(changes: Partial<DeadLetter> = {}): DeadLetter {
  return {
    timeMs: 1_700_000_000_000,
    connector: 'my-connector',
    route: 'route1',
    direction: 'mqttToKafka',
    reason: { code: 'recordTooLarge', message: 'Broker: Message size too large' },
    mqtt: { topic: 'plant/1/temp', qos: 1, retain: false, packetId: 7 },
    kafka: {
      topic: 'receiving',
      partition: undefined,
      key: bytesOf('device-7'),
      headers: [
        ['Topic', bytesOf('plant/1/temp')],
        ['colour', bytesOf('red')],
        ['colour', bytesOf('blue')],
      ],
      acks: 'one',
    },
    payload: bytesOf('21.5'),
    ...changes,
  };
}
