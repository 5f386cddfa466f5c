/* The bytes that a client sends us, cut into packets: PUBACK is read where it lies, everything else
 * goes whole to mqtt-packet.
 */

import type { Packet } from 'mqtt-packet';
import mqttPacket from 'mqtt-packet';

export interface ClientStreamHandlers {
  readonly onPuback: (packetId: number, reasonCode: number) => void;
  readonly onPacket: (packet: Packet) => void;
  readonly onError: (error: Error) => void;
}

/** A client of a load generator has nothing longer to say. */
const PACKET_BYTES_MAX = 1024 * 1024;
const PUBACK = 0x40;

export class ClientStream {
  readonly #handlers: ClientStreamHandlers;
  readonly #parser = mqttPacket.parser({ protocolVersion: 5 });
  #rest: Buffer | undefined;

  constructor(handlers: ClientStreamHandlers) {
    this.#handlers = handlers;
    this.#parser.on('packet', handlers.onPacket);
    this.#parser.on('error', handlers.onError);
  }

  /** Calls the handlers for every packet that `chunk` completes. */
  push(chunk: Buffer): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    let at = 0;
    while (at < bytes.length) {
      const end = this.#endOfPacket(bytes, at);
      if (end < 0) return;
      if (end === 0 || end > bytes.length) {
        // A copy: a view would keep the whole chunk alive.
        this.#rest = Buffer.from(bytes.subarray(at));
        return;
      }
      if (bytes[at] === PUBACK) this.#puback(bytes, at);
      else this.#parser.parse(bytes.subarray(at, end));
      at = end;
    }
  }

  #puback(bytes: Buffer, at: number): void {
    const packetId = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
    // A Remaining Length of 2 means reason code 0x00 [MQTT-3.4.2.1].
    this.#handlers.onPuback(packetId, bytes[at + 1] === 2 ? 0 : (bytes[at + 4] as number));
  }

  /** Where the packet at `at` ends; 0 when its length is not known yet, -1 when it is refused. */
  #endOfPacket(bytes: Buffer, at: number): number {
    let remaining = 0;
    let scale = 1;
    for (let n = 1; n <= 4; n += 1) {
      const byte = bytes[at + n];
      if (byte === undefined) return 0;
      remaining += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte >= 0x80) continue;
      // Longer than one byte, or too short to hold an identifier: no PUBACK that we can read.
      const bad = bytes[at] === PUBACK && (n > 1 || remaining < 2);
      if (remaining <= PACKET_BYTES_MAX && !bad) return at + 1 + n + remaining;
      break;
    }
    this.#handlers.onError(new Error('a malformed or oversized packet from the client'));
    return -1;
  }
}
