import type { PacketCmd } from 'mqtt-packet';

/** A packet as it came from a client. */
export interface ReceivedPacket {
  readonly cmd: PacketCmd;
  /** The whole packet; `parseControlPacket` reads it. */
  readonly bytes: Buffer;
}

const commands: readonly (PacketCmd | undefined)[] = [
  undefined,
  'connect',
  'connack',
  'publish',
  'puback',
  'pubrec',
  'pubrel',
  'pubcomp',
  'subscribe',
  'suback',
  'unsubscribe',
  'unsuback',
  'pingreq',
  'pingresp',
  'disconnect',
  'auth',
];

/** The packets of each client in order of arrival, over all of its connections: the newest
 * `packetsMax` of them. */
export class Recorder {
  readonly #packetsMax: number;
  readonly #byClient = new Map<string, ReceivedPacket[]>();

  constructor(packetsMax: number) {
    this.#packetsMax = packetsMax;
  }

  add(clientId: string, bytes: Buffer): void {
    const cmd = commands[(bytes[0] ?? 0) >> 4];
    if (this.#packetsMax === 0 || cmd === undefined) return;
    const packets = this.#byClient.get(clientId) ?? [];
    this.#byClient.set(clientId, packets);
    packets.push({ cmd, bytes: Buffer.from(bytes) });
    if (packets.length > this.#packetsMax) packets.shift();
  }

  of(clientId: string): readonly ReceivedPacket[] {
    return this.#byClient.get(clientId) ?? [];
  }
}
