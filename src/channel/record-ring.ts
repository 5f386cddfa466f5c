/* RecordRing: a worker's addon writes records (src/native/record-writer.cc), main reads them. Main
 * thread only. It is a cursor: `next` and `at` set it, and what it says is of the record there, so that
 * no object is made for a record.
 *
 *   0      tail          read          head      capacity
 *   | free | held records | not yet read | free |
 *
 * 1. A record stays where it is until it is released; releases come in any order, tail moves over
 *    those at its front. Room in the ring is all the credit there is: a full one stops consuming.
 * 2. tail <= read <= head, modulo 2^32, and head - tail <= capacity.
 * 3. A skip frame is followed by a record, and released with it.
 * 4. A writer without room is rung by `wakeWriter` after a release has moved tail: src/native/ring.h. Once
 *    for a batch of them: a writer that is rung for each one writes one record and waits again.
 */
import { assert } from '../base/assert.js';
import { KIND_RECORD, KIND_SKIP, NULL_KEY } from './frame.js';
import {
  RECORD_BODY_OFFSET,
  RECORD_FLAGS,
  RECORD_FRAME_BYTES,
  RECORD_HEADER_BYTES,
  RECORD_HEADER_COUNT,
  RECORD_HEADERS_BYTES,
  RECORD_IN_LARGE,
  RECORD_KEY_BYTES,
  RECORD_KIND,
  RECORD_NO_VALUE,
  RECORD_OFFSET_HIGH,
  RECORD_OFFSET_LOW,
  RECORD_OVERSIZE,
  RECORD_PARTITION,
  RECORD_PAYLOAD_BYTES,
  RECORD_SETTLED,
  RECORD_TIMESTAMP_HIGH,
  RECORD_TIMESTAMP_LOW,
} from './record-frame.js';
import {
  BLOCKED_WORD,
  HEAD_WORD,
  RING_DATA_BYTES,
  TAIL_WORD,
  WAITING_WORD,
} from './ring-layout.js';

export class RecordRing {
  readonly capacityBytes: number;
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #large: Uint8Array;
  readonly #control: Int32Array;
  readonly #ringWorker: () => void;
  readonly #mask: number;
  #tail: number;
  /** Where it was when the writer was last told. */
  #tailTold: number;
  #read: number;
  #headSeen: number;
  /** The first word of the record under the cursor. */
  #word = 0;
  #position = 0;

  /**
   * @param large where the bodies of large records lie
   * @param ringWorker rings the doorbell of the worker that writes
   */
  constructor(memory: SharedArrayBuffer, large: SharedArrayBuffer, ringWorker: () => void) {
    this.capacityBytes = memory.byteLength - RING_DATA_BYTES;
    this.#bytes = new Uint8Array(memory, RING_DATA_BYTES);
    this.#words = new Int32Array(memory, RING_DATA_BYTES);
    this.#large = new Uint8Array(large);
    this.#control = new Int32Array(memory, 0, RING_DATA_BYTES / 4);
    this.#ringWorker = ringWorker;
    this.#mask = this.capacityBytes - 1;
    this.#tail = Atomics.load(this.#control, TAIL_WORD) >>> 0;
    this.#tailTold = this.#tail;
    this.#read = this.#tail;
    this.#headSeen = this.#tail;
    Atomics.store(this.#control, WAITING_WORD, 1);
  }

  /** Moves to the next record that was not read yet. False: there is none, and main is rung for it. */
  next(): boolean {
    for (;;) {
      if (this.#read === this.#headSeen && !this.#seeHead()) return false;
      this.#read = this.#recordAt(this.#read);
      const position = this.#read;
      this.#set(position);
      this.#read = (position + this.frameBytes) >>> 0;
      if (this.#value(RECORD_SETTLED) === 0) return true;
      this.#word = -1;
      if (position === this.#firstHeld()) this.#moveTail();
    }
  }

  /** Whether there is a record that was not read. */
  get hasUnread(): boolean {
    return this.#read !== this.#headSeen || this.#read !== this.#loadHead();
  }

  /** Releases every record of these partitions that is here by now and was not read. */
  discard(partitions: ReadonlySet<number>): void {
    this.#headSeen = this.#loadHead();
    for (let at = this.#read; at !== this.#headSeen; ) {
      at = this.#recordAt(at);
      this.#set(at);
      if (partitions.has(this.partition)) this.#words[this.#word + RECORD_SETTLED] = 1;
      at = (at + this.frameBytes) >>> 0;
    }
    this.#word = -1;
  }

  /** Moves to a record that was read and not released. */
  at(position: number): void {
    this.#heldWord(position);
    this.#set(position);
  }

  /** Gives the place of a record back, and leaves the cursor where it is. */
  release(position: number): void {
    this.#words[this.#heldWord(position) + RECORD_SETTLED] = 1;
    if (position === this.#firstHeld()) this.#moveTail();
  }

  /** Rings a writer that waits for room, where there is some now. To be called after a batch. */
  wakeWriter(): void {
    if (this.#tail === this.#tailTold) return;
    this.#tailTold = this.#tail;
    if (Atomics.load(this.#control, BLOCKED_WORD) === 0) return;
    if (Atomics.exchange(this.#control, BLOCKED_WORD, 0) === 1) this.#ringWorker();
  }

  /** Whether the writer waits for room and there is nothing to read: what is held takes all of it. */
  get isStalled(): boolean {
    return Atomics.load(this.#control, BLOCKED_WORD) === 1 && this.#read === this.#loadHead();
  }

  /** Bytes of records that were read and not all released, with what lies between them. */
  get heldBytes(): number {
    return (this.#read - this.#tail) >>> 0;
  }

  /** Where the record is: its name until it is released. */
  get position(): number {
    return this.#position;
  }

  get frameBytes(): number {
    return this.#value(RECORD_FRAME_BYTES);
  }

  get partition(): number {
    return this.#value(RECORD_PARTITION);
  }

  get offset(): number {
    return this.#long(RECORD_OFFSET_LOW, RECORD_OFFSET_HIGH);
  }

  /** -1: none. */
  get timestampMs(): number {
    return this.#long(RECORD_TIMESTAMP_LOW, RECORD_TIMESTAMP_HIGH);
  }

  get hasKey(): boolean {
    return this.#value(RECORD_KEY_BYTES) !== NULL_KEY;
  }

  /** False: a tombstone. */
  get hasValue(): boolean {
    return (this.#value(RECORD_FLAGS) & RECORD_NO_VALUE) === 0;
  }

  /** Whether it is larger than the large ring, and has no body; `payloadBytes` is the true size. */
  get oversize(): boolean {
    return (this.#value(RECORD_FLAGS) & RECORD_OVERSIZE) !== 0;
  }

  get headerCount(): number {
    return this.#value(RECORD_HEADER_COUNT);
  }

  /** Where key, headers and payload lie, one behind the other: the ring or the large ring. */
  get body(): Uint8Array {
    return (this.#value(RECORD_FLAGS) & RECORD_IN_LARGE) === 0 ? this.#bytes : this.#large;
  }

  /** In `body`. */
  get keyStart(): number {
    const bodyOffset = this.#value(RECORD_BODY_OFFSET);
    if ((this.#value(RECORD_FLAGS) & RECORD_IN_LARGE) !== 0) return bodyOffset;
    return this.#word * 4 + bodyOffset;
  }

  /** 0 without a key. */
  get keyBytes(): number {
    const bytes = this.#value(RECORD_KEY_BYTES);
    return bytes === NULL_KEY ? 0 : bytes;
  }

  get headersStart(): number {
    return this.keyStart + this.keyBytes;
  }

  get headersBytes(): number {
    return this.#value(RECORD_HEADERS_BYTES);
  }

  get payloadStart(): number {
    return this.headersStart + this.headersBytes;
  }

  get payloadBytes(): number {
    return this.#value(RECORD_PAYLOAD_BYTES);
  }

  /** The frame and the large ring as `readRecord` wants them. Views, not copies. */
  get frame(): Uint8Array {
    return this.#bytes.subarray(this.#word * 4, this.#word * 4 + this.frameBytes);
  }

  get large(): Uint8Array {
    return this.#large;
  }

  #value(index: number): number {
    return (this.#words[this.#word + index] as number) >>> 0;
  }

  #long(low: number, high: number): number {
    return (this.#words[this.#word + high] as number) * 2 ** 32 + this.#value(low);
  }

  /** The first word of a record that is held. */
  #heldWord(position: number): number {
    const word = (position & this.#mask) / 4;
    const held = (this.#read - this.#tail) >>> 0;
    assert((position - this.#tail) >>> 0 < held, 'a record is held from when it is read');
    assert(this.#words[word + RECORD_SETTLED] === 0, 'a record is released once');
    return word;
  }

  #set(position: number): void {
    const word = (position & this.#mask) / 4;
    assert(this.#words[word + RECORD_KIND] === KIND_RECORD, 'a position is that of a record');
    this.#word = word;
    this.#position = position;
    const bytes = this.frameBytes;
    const toEnd = this.capacityBytes - (position & this.#mask);
    const visible = (this.#headSeen - position) >>> 0;
    assert(bytes >= RECORD_HEADER_BYTES && bytes % 8 === 0, 'a frame has the length of one');
    assert(bytes <= Math.min(toEnd, visible), 'a frame lies within what the worker has shown');
  }

  /** How many bytes hold no record at this position; 0 where a record is. */
  #skipAt(position: number): number {
    const offset = position & this.#mask;
    const toEnd = this.capacityBytes - offset;
    if (toEnd < RECORD_HEADER_BYTES) return toEnd;
    return this.#words[offset / 4 + RECORD_KIND] === KIND_SKIP ? toEnd : 0;
  }

  /** Where the first record at or after this position is, which is before what is shown ends. */
  #recordAt(position: number): number {
    const skipBytes = this.#skipAt(position);
    const shown = (this.#headSeen - position) >>> 0;
    assert(skipBytes < shown, 'a record follows what is skipped');
    return (position + skipBytes) >>> 0;
  }

  #loadHead(): number {
    const head = Atomics.load(this.#control, HEAD_WORD) >>> 0;
    const published = (head - this.#tail) >>> 0;
    assert(published <= this.capacityBytes, 'the worker writes where there is room');
    return head;
  }

  #seeHead(): boolean {
    for (let looks = 0; looks < 2; looks++) {
      this.#headSeen = this.#loadHead();
      if (this.#read !== this.#headSeen) {
        Atomics.store(this.#control, WAITING_WORD, 0);
        return true;
      }
      Atomics.store(this.#control, WAITING_WORD, 1);
    }
    return false;
  }

  #firstHeld(): number {
    return (this.#tail + this.#skipAt(this.#tail)) >>> 0;
  }

  #moveTail(): void {
    while (this.#tail !== this.#read) {
      const first = this.#firstHeld();
      const word = (first & this.#mask) / 4;
      if (this.#words[word + RECORD_SETTLED] === 0) break;
      this.#tail = (first + (this.#words[word + RECORD_FRAME_BYTES] as number)) >>> 0;
    }
    Atomics.store(this.#control, TAIL_WORD, this.#tail | 0);
  }
}
