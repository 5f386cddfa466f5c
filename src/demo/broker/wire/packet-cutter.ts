import { ReasonCode } from './reason-code.js';
import {
  incomplete,
  malformed,
  readVariableByteInteger,
  variableByteIntegerBytes,
} from './variable-byte-integer.js';

/* Cuts the byte stream of one connection into whole packets.
 *
 * A packet that lies within one chunk is handed on as a view of it (`owned` is false: whoever keeps
 * it must copy it, or 20 bytes pin 64 KiB). A packet that spans chunks is joined once, when its last
 * byte is there, and belongs to the receiver. The declared length is held against `bytesMax` before
 * anything is buffered, so that at most that much waits here.
 */

/** `packet` starts at the fixed header, `bodyStart` is the offset of the variable header. */
export type OnPacket = (packet: Buffer, bodyStart: number, owned: boolean) => void;

const fixedHeaderBytesMax = 5;

export class PacketCutter {
  readonly #bytesMax: number;
  readonly #onPacket: OnPacket;
  #parts: Buffer[] = [];
  #partBytes = 0;
  /** The whole length of the packet that `#parts` begin; 0 while its fixed header is incomplete. */
  #wantedBytes = 0;
  #stopped = false;

  constructor(bytesMax: number, onPacket: OnPacket) {
    this.#bytesMax = bytesMax;
    this.#onPacket = onPacket;
  }

  /** Nothing more is cut, not even what is left of the chunk in hand. */
  stop(): void {
    this.#stopped = true;
    this.#parts = [];
  }

  /** Returns the reason code of what is wrong with the stream, or success. */
  push(chunk: Buffer): number {
    let rest = chunk;
    if (this.#parts.length > 0) {
      const joined = this.#join(chunk);
      if (joined === undefined) return ReasonCode.success;
      rest = joined;
    }
    let offset = 0;
    while (offset < rest.length && !this.#stopped) {
      const packetBytes = measure(rest, offset);
      if (packetBytes === malformed) return ReasonCode.malformedPacket;
      if (packetBytes > this.#bytesMax) return ReasonCode.packetTooLarge;
      if (packetBytes === incomplete || offset + packetBytes > rest.length) {
        this.#keep(rest.subarray(offset), Math.max(packetBytes, 0));
        return ReasonCode.success;
      }
      this.#emit(rest.subarray(offset, offset + packetBytes), false);
      offset += packetBytes;
    }
    return ReasonCode.success;
  }

  #keep(part: Buffer, wantedBytes: number): void {
    this.#parts.push(part);
    this.#partBytes += part.length;
    this.#wantedBytes = wantedBytes;
  }

  /** Adds `chunk` to what waits; returns the bytes that are left to cut, if there are any. */
  #join(chunk: Buffer): Buffer | undefined {
    if (this.#wantedBytes === 0) return this.#take(chunk);
    const missingBytes = this.#wantedBytes - this.#partBytes;
    if (chunk.length < missingBytes) {
      this.#keep(chunk, this.#wantedBytes);
      return undefined;
    }
    this.#emit(this.#take(chunk.subarray(0, missingBytes)), true);
    return chunk.length > missingBytes ? chunk.subarray(missingBytes) : undefined;
  }

  #take(last: Buffer): Buffer {
    const joined = Buffer.concat([...this.#parts, last], this.#partBytes + last.length);
    this.#parts = [];
    this.#partBytes = 0;
    this.#wantedBytes = 0;
    return joined;
  }

  #emit(packet: Buffer, owned: boolean): void {
    this.#onPacket(packet, 1 + lengthBytes(packet), owned);
  }
}

function measure(source: Buffer, offset: number): number {
  const end = Math.min(source.length, offset + fixedHeaderBytesMax);
  const remainingLength = readVariableByteInteger(source, offset + 1, end);
  if (remainingLength < 0) return remainingLength;
  return 1 + variableByteIntegerBytes(remainingLength) + remainingLength;
}

function lengthBytes(packet: Buffer): number {
  return variableByteIntegerBytes(readVariableByteInteger(packet, 1, packet.length));
}
