import { generate } from 'mqtt-packet';

export interface ChunkOptions {
  readonly packets: number;
  /** The packets take turns among so many topic names. */
  readonly topics: number;
  readonly payloadBytes: number;
  readonly userProperties: number;
}

export const SUBSCRIPTION_ID = 77;

/** PUBLISHes of QoS 1 one behind the other, as one read from a broker's socket has them: with packet
 * identifiers from 1 and the identifier of their subscription. */
export function publishChunk(options: ChunkOptions): Buffer {
  const { packets, topics, payloadBytes, userProperties } = options;
  const payload = Buffer.alloc(payloadBytes, 'r');
  const properties = {
    subscriptionIdentifier: SUBSCRIPTION_ID,
    ...(userProperties > 0 && {
      userProperties: Object.fromEntries(
        Array.from({ length: userProperties }, (_, p) => [`property-${p}`, `value-${p}`]),
      ),
    }),
  };
  return Buffer.concat(
    Array.from({ length: packets }, (_, n) =>
      generate(
        {
          cmd: 'publish',
          topic: `plant/${n % topics}/temperature`,
          payload,
          qos: 1,
          dup: false,
          retain: false,
          messageId: n + 1,
          properties,
        },
        { protocolVersion: 5 },
      ),
    ),
  );
}
