/* PUBLISHes that wait for their PUBACK, by packet identifier; one per connection of the generator.
 * Flat arrays: it runs once a message on a thread that must stay cheaper than what it measures.
 */
import { assert } from '../../base/assert.js';

const PACKET_IDS = 65_536;
/** Doubled as often as more are in flight at once: there may be thousands of connections. */
const FIRST_PACKET_IDS = 256;

export class InFlight {
  size = 0;
  /** PUBACKs that came after the PUBACK of a later PUBLISH [MQTT-4.6.0-2]. */
  outOfOrder = 0;
  unknown = 0;
  /** Of the message that was settled last. */
  settledPayloadBytes = 0;
  /** When the message was due, in milliseconds; 0 where the packet identifier is free. */
  #dueAtMs = new Float64Array(FIRST_PACKET_IDS);
  #sequence = new Float64Array(FIRST_PACKET_IDS);
  #payloadBytes = new Uint32Array(FIRST_PACKET_IDS);
  #packetIdMax = FIRST_PACKET_IDS - 1;
  #nextPacketId = 1;
  #nextSequence = 1;
  #latestSettled = 0;

  /** Takes a free packet identifier, never 0 [MQTT-2.2.1-3]. */
  open(dueAtMs: number, payloadBytes: number): number {
    if (this.size === this.#packetIdMax) this.#grow();
    const last = this.#packetIdMax;
    let packetId = this.#nextPacketId;
    while (this.#dueAtMs[packetId] !== 0) packetId = packetId === last ? 1 : packetId + 1;
    this.#nextPacketId = packetId === last ? 1 : packetId + 1;
    this.#dueAtMs[packetId] = dueAtMs;
    this.#payloadBytes[packetId] = payloadBytes;
    this.#sequence[packetId] = this.#nextSequence;
    this.#nextSequence += 1;
    this.size += 1;
    return packetId;
  }

  /** Frees a packet identifier; when its message was due, or 0 where it was not in use. */
  settle(packetId: number): number {
    const dueAtMs = this.#dueAtMs[packetId] ?? 0;
    if (dueAtMs === 0) {
      this.unknown += 1;
      return 0;
    }
    this.#dueAtMs[packetId] = 0;
    this.size -= 1;
    this.settledPayloadBytes = this.#payloadBytes[packetId] as number;
    const sequence = this.#sequence[packetId] as number;
    if (sequence < this.#latestSettled) this.outOfOrder += 1;
    else this.#latestSettled = sequence;
    return dueAtMs;
  }
  #grow(): void {
    const packetIds = 2 * this.#dueAtMs.length;
    assert(packetIds <= PACKET_IDS, 'a packet identifier must be free');
    this.#nextPacketId = this.#packetIdMax + 1;
    this.#packetIdMax = packetIds - 1;
    this.#dueAtMs = grown(this.#dueAtMs, new Float64Array(packetIds));
    this.#sequence = grown(this.#sequence, new Float64Array(packetIds));
    this.#payloadBytes = grown(this.#payloadBytes, new Uint32Array(packetIds));
  }
}

function grown<T extends Float64Array | Uint32Array>(values: T, larger: T): T {
  larger.set(values);
  return larger;
}
