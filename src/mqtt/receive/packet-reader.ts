/* PacketReader: the bytes of one connection -> packets. Main thread only.
 *
 *   receive buffer   | done | not yet parsed | free: the kernel writes here next |
 *                         start             end
 *
 * 1. A packet is parsed where the kernel put it; nothing of it may be kept past its handler.
 * 2. Unparsed bytes move only between two reads.
 * 3. A payload over LARGE_PAYLOAD_BYTES goes to the slab: the kernel writes it there itself.
 * 4. What is buffered is bounded by the size of the receive buffer, whatever a packet says it has.
 * 5. A region of the slab is given back only when no read can write to it any more.
 */
import { parser as createParser, type Packet, type Parser } from 'mqtt-packet';
import { assert } from '../../base/assert.js';
import {
  HEADER_PART_BYTES_MAX,
  LARGE_PAYLOAD_BYTES,
  READ_BYTES,
  RECEIVE_BUFFER_BYTES,
} from '../../config/limits.js';
import { MALFORMED_PACKET, PACKET_TOO_LARGE, QUOTA_EXCEEDED } from '../reason-code.js';
import { PUBACK_LEFT, readPuback } from '../send/puback-lane.js';
import { VARINT_BYTES_MAX } from '../wire.js';
import { OversizePayload, type OversizeSink } from './oversize.js';
import { ABSENT, Publish } from './publish.js';
import { LANE_INCOMPLETE, LANE_READ, LANE_TOO_LONG, readPublish } from './publish-lane.js';

const PUBLISH = 3;
const PUBACK = 4;
const PINGRESP = 0xd0;

/** What packets lead to; a session answers these, a connection hands them on. */
export interface PacketHandlers {
  /** Around the packets of one read, or of what was left unread. */
  onBatchStart(): void;
  onBatchEnd(): void;
  /** A PUBACK for what we sent; its packet identifier may be one that nothing has. */
  onPuback(packetId: number, reasonCode: number): void;
  /** Every packet that is neither PUBLISH, PUBACK nor PINGRESP. The handler answers for it that no
   * peer can send many: each is awaited, or ends the connection. */
  onPacket(packet: Packet): void;
  /** False: no credit now; the same PUBLISH is offered again after `resume`. */
  onPublish(publish: Publish): boolean;
  /** Takes a payload of more than `payloadBytesMax`, or a whole packet with too many bytes of
   * properties; undefined: no credit now. */
  onOversize(publish: Publish): OversizeSink | undefined;
  /** Where in the slab a payload of this size may go; -1 when there is no room now. */
  reservePayload(bytes: number): number;
  /** A payload that was never handed on. */
  releasePayload(slabOffset: number): void;
  /** A PUBLISH that the lane left. The handler closes the connection, or has dealt with it. */
  onLeft(packet: Uint8Array): void;
}

/** The connection's part: each may close the reader. */
export interface ReaderHandlers extends PacketHandlers {
  onPingresp(): void;
  /** Nothing more is wanted from the socket until `resume`. */
  onPaused(): void;
  /** What was paused for the disk may go on: `resume`. */
  onKept(): void;
  /** The broker breaks the protocol. */
  onBroken(reasonCode: number, reason: string): void;
}

export interface PacketReaderOptions {
  /** What we announced, or MQTT 5's own limit. */
  readonly maximumPacketSize: number;
  /** A larger payload goes to `onOversize`. */
  readonly payloadBytesMax: number;
  readonly slab: Uint8Array;
}

export class PacketReader {
  readonly #handlers: ReaderHandlers;
  readonly #maximumPacketSize: number;
  readonly #payloadBytesMax: number;
  readonly #slab: Uint8Array;
  readonly #parser: Parser;
  readonly #buffer = new Uint8Array(RECEIVE_BUFFER_BYTES);
  readonly #publish: Publish;
  #start = 0;
  #end = 0;
  /** Where in the receive buffer the kernel writes next. */
  #readAt = 0;
  /** A payload under way to the slab, and how much of it is there; ABSENT when none is. */
  #largeOffset = ABSENT;
  #largeWritten = 0;
  #readingToSlab = false;
  #oversize: OversizePayload | undefined;
  /** Whether the disk is at work on it. */
  #keeping = false;
  #paused = false;
  /** Whether a packet has come to its end since `takeEnded`. */
  #ended = false;
  #closed = false;

  constructor(options: PacketReaderOptions, handlers: ReaderHandlers) {
    this.#handlers = handlers;
    this.#maximumPacketSize = options.maximumPacketSize;
    this.#payloadBytesMax = options.payloadBytesMax;
    this.#slab = options.slab;
    this.#publish = new Publish(this.#buffer, new Int32Array(this.#buffer.buffer));
    this.#parser = createParser({ protocolVersion: 5 });
    this.#parser.on('packet', (packet) => {
      if (packet.cmd !== 'puback') this.#handlers.onPacket(packet);
    });
    this.#parser.on('error', (error: Error) => {
      const reason = `the broker sent a malformed packet: ${error.message}`;
      this.#handlers.onBroken(MALFORMED_PACKET, reason);
    });
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Offers what was left unread again. True: all of it is taken, and reading may go on. */
  resume(): boolean {
    if (!this.#paused || this.#closed || this.#keeping) return false;
    this.#paused = false;
    this.#process();
    return !this.#paused && !this.#closed;
  }

  /** No packet is wanted any more. A read may still be under way until `onSocketClosed`. */
  close(): void {
    this.#closed = true;
    this.#oversize?.abort();
    if (!this.#readingToSlab || this.#largeLeft() === 0) this.#dropLarge();
  }

  /** No read is under way any more. */
  onSocketClosed(): void {
    this.#dropLarge();
  }

  /** Where the next bytes shall go. */
  nextBuffer(): Uint8Array {
    // What comes after the end is read so that the socket sees its own end, and is nobody's.
    if (this.#closed) return this.#buffer.subarray(0, READ_BYTES);
    this.#readingToSlab = this.#largeOffset !== ABSENT && this.#largeLeft() > 0;
    if (this.#readingToSlab) {
      const from = this.#largeOffset + this.#largeWritten;
      return this.#slab.subarray(from, from + this.#largeLeft());
    }
    if (this.#start === this.#end) {
      this.#start = 0;
      this.#end = 0;
    } else if (this.#buffer.length - this.#end < READ_BYTES) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    this.#readAt = this.#end;
    const free = this.#buffer.subarray(this.#end, this.#end + READ_BYTES);
    assert(free.length > 0, 'the receive buffer is full');
    return free;
  }

  /** Whether a packet has come to its end since this was asked last. */
  takeEnded(): boolean {
    const ended = this.#ended;
    this.#ended = false;
    return ended;
  }

  /** `bytes` of them went to the start of the last `nextBuffer`. */
  onBytes(bytes: number): void {
    if (this.#closed) {
      this.#dropLarge();
      return;
    }
    if (this.#readingToSlab) this.#largeWritten += bytes;
    else {
      // Where the read began may have been passed or given up by a `resume` since.
      if (this.#readAt !== this.#end) {
        this.#buffer.copyWithin(this.#end, this.#readAt, this.#readAt + bytes);
      }
      this.#end += bytes;
    }
    this.#process();
  }

  /** The packet at the start has come to its end, and is done with. */
  #endAt(packetEnd: number): void {
    this.#start = packetEnd;
    this.#ended = true;
  }

  #process(): void {
    this.#handlers.onBatchStart();
    while (!this.#closed && !this.#paused) {
      if (!this.#processNext()) break;
    }
    this.#handlers.onBatchEnd();
  }

  /** Takes the next step. False when there are not the bytes for it. */
  #processNext(): boolean {
    if (this.#oversize !== undefined) return this.#processOversize(this.#oversize);
    return this.#largeOffset === ABSENT ? this.#processPacket() : this.#processLarge();
  }

  #pause(): void {
    this.#paused = true;
    this.#handlers.onPaused();
  }

  /** Parses the packet at the start. False when there is not enough of it. */
  #processPacket(): boolean {
    const buffer = this.#buffer;
    const start = this.#start;
    const available = this.#end - start;
    if (available < 2) return false;
    const firstByte = buffer[start] as number;
    let length = 0;
    let position = start + 1;
    for (let shift = 0; ; shift += 7) {
      if (shift === 7 * VARINT_BYTES_MAX) {
        this.#handlers.onBroken(
          MALFORMED_PACKET,
          'the broker sent a Remaining Length of five bytes',
        );
        return false;
      }
      if (position >= this.#end) return false;
      const byte = buffer[position++] as number;
      length |= (byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      if (byte === 0 && shift > 0) {
        // [MQTT-1.5.5-1]
        this.#handlers.onBroken(
          MALFORMED_PACKET,
          'the broker sent a Remaining Length longer than need be',
        );
        return false;
      }
      break;
    }
    const packetEnd = position + length;
    if (packetEnd - start > this.#maximumPacketSize) {
      this.#handlers.onBroken(
        PACKET_TOO_LARGE,
        `the broker sent a packet of ${packetEnd - start} bytes, over the Maximum Packet Size`,
      );
      return false;
    }
    if (firstByte >> 4 !== PUBLISH) return this.#processControl(start, position, packetEnd);
    if (length > LARGE_PAYLOAD_BYTES) return this.#beginLarge(firstByte, position, packetEnd);
    if (packetEnd > this.#end) return false;
    return this.#processPublish(firstByte, position, packetEnd);
  }

  #processControl(start: number, bodyStart: number, packetEnd: number): boolean {
    if (packetEnd - start > HEADER_PART_BYTES_MAX) {
      this.#handlers.onBroken(
        PACKET_TOO_LARGE,
        'the broker sent a control packet of unreasonable size',
      );
      return false;
    }
    if (packetEnd > this.#end) return false;
    this.#endAt(packetEnd);
    if (this.#buffer[start] === PINGRESP && packetEnd === bodyStart) {
      this.#handlers.onPingresp();
      return true;
    }
    const isPuback = (this.#buffer[start] as number) >> 4 === PUBACK;
    if (isPuback) {
      const read = readPuback(this.#buffer, start, bodyStart, packetEnd);
      if (read !== PUBACK_LEFT) {
        this.#handlers.onPuback(read >> 8, read & 0xff);
        return true;
      }
    }
    // A copy, because mqtt-packet hands out views of what it is given.
    this.#parser.parse(Buffer.from(this.#buffer.subarray(start, packetEnd)));
    // mqtt-packet lets some pass that the lane has left: MQTT 5 allows none of them.
    if (isPuback && !this.#closed) {
      this.#handlers.onBroken(MALFORMED_PACKET, 'the broker sent a malformed PUBACK');
    }
    return true;
  }

  #processPublish(firstByte: number, bodyStart: number, packetEnd: number): boolean {
    const publish = this.#publish;
    const read = readPublish(firstByte, bodyStart, packetEnd, this.#end, publish);
    if (read === LANE_TOO_LONG) return this.#beginUnread(publish, packetEnd);
    if (read !== LANE_READ) {
      const packet = this.#buffer.slice(this.#start, packetEnd);
      this.#endAt(packetEnd);
      this.#handlers.onLeft(packet);
      return true;
    }
    publish.packetBytes = packetEnd - this.#start;
    if (publish.payloadBytes > this.#payloadBytesMax) return this.#beginOversize(publish);
    if (!this.#handlers.onPublish(publish)) {
      this.#pause();
      return false;
    }
    this.#endAt(packetEnd);
    return true;
  }

  /** A PUBLISH that may have a large payload: its topic and properties first. */
  #beginLarge(firstByte: number, bodyStart: number, packetEnd: number): boolean {
    const publish = this.#publish;
    const read = readPublish(firstByte, bodyStart, packetEnd, this.#end, publish);
    if (read === LANE_INCOMPLETE) return false;
    if (read === LANE_TOO_LONG) return this.#beginUnread(publish, packetEnd);
    if (read !== LANE_READ) {
      const packet = this.#buffer.slice(this.#start, Math.min(packetEnd, this.#end));
      this.#handlers.onLeft(packet);
      // Its rest cannot be skipped without reading it all.
      if (!this.#closed) this.#handlers.onBroken(PACKET_TOO_LARGE, 'a PUBLISH not to be read');
      return false;
    }
    if (publish.payloadBytes <= LARGE_PAYLOAD_BYTES) {
      if (packetEnd > this.#end) return false;
      return this.#processPublish(firstByte, bodyStart, packetEnd);
    }
    publish.packetBytes = packetEnd - this.#start;
    if (publish.payloadBytes > this.#payloadBytesMax) return this.#beginOversize(publish);
    const offset = this.#handlers.reservePayload(publish.payloadBytes);
    if (offset < 0) {
      this.#pause();
      return false;
    }
    this.#largeOffset = offset;
    this.#largeWritten = 0;
    this.#moveToSlab();
    return true;
  }

  /** Copies what of the payload the kernel put into the receive buffer over to the slab. */
  #moveToSlab(): void {
    const from = this.#publish.payloadStart;
    const bytes = this.#end - from;
    // Two reads at most went there before the slab was the place to read to: limits.ts.
    assert(bytes < this.#largeLeft(), 'a large payload ended in the receive buffer');
    this.#slab.set(this.#buffer.subarray(from, this.#end), this.#largeOffset + this.#largeWritten);
    this.#largeWritten += bytes;
    // Topic and properties stay where they are until the PUBLISH is handed on.
    this.#end = from;
  }

  #largeLeft(): number {
    return this.#publish.payloadBytes - this.#largeWritten;
  }

  #processLarge(): boolean {
    const publish = this.#publish;
    // A read that began before the slab was the place to read to has put its bytes here.
    if (this.#end > publish.payloadStart) this.#moveToSlab();
    if (this.#largeLeft() > 0) return false;
    publish.slabOffset = this.#largeOffset;
    if (!this.#handlers.onPublish(publish)) {
      this.#pause();
      return false;
    }
    this.#largeOffset = ABSENT;
    this.#endAt(this.#end);
    return true;
  }

  /** A PUBLISH of too many properties to be read: it is kept as it comes. */
  #beginUnread(publish: Publish, packetEnd: number): boolean {
    publish.packetBytes = packetEnd - this.#start;
    publish.payloadStart = this.#start;
    publish.payloadBytes = publish.packetBytes;
    publish.propertiesEnd = Math.min(publish.propertiesEnd, this.#end);
    return this.#beginOversize(publish);
  }

  #beginOversize(publish: Publish): boolean {
    const sink = this.#handlers.onOversize(publish);
    if (sink === undefined) {
      if (!this.#closed) this.#pause();
      return false;
    }
    this.#oversize = new OversizePayload(sink, publish.payloadBytes);
    this.#start = publish.payloadStart;
    return true;
  }

  /** Hands what is there of an oversize payload to the disk, and reads on when that has it. */
  #processOversize(oversize: OversizePayload): boolean {
    const bytes = oversize.take(this.#end - this.#start);
    if (bytes === 0) return false;
    const chunk = this.#buffer.slice(this.#start, this.#start + bytes);
    this.#start += bytes;
    this.#pause();
    this.#keeping = true;
    oversize.keep(chunk).then(
      (complete) => {
        this.#keeping = false;
        if (complete) {
          this.#oversize = undefined;
          this.#ended = true;
        }
        this.#handlers.onKept();
      },
      (error: Error) => {
        this.#keeping = false;
        this.#handlers.onBroken(
          QUOTA_EXCEEDED,
          `an oversize payload cannot be kept: ${error.message}`,
        );
      },
    );
    return false;
  }

  #dropLarge(): void {
    if (this.#largeOffset === ABSENT) return;
    this.#handlers.releasePayload(this.#largeOffset);
    this.#largeOffset = ABSENT;
  }
}
