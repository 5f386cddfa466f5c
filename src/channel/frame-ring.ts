/* FrameRing: main writes frames, one worker's addon reads them (src/native/shard-producers.cc).
 * Main thread only. A frame is written in place between `reserve` and `commit`; `publish` shows the
 * worker everything committed, once per batch.
 *
 * 1. head - tail <= capacity; both only grow, modulo 2^32.
 * 2. A frame never straddles the end: what is left there is skipped.
 * 3. Nothing is visible to the worker before `publish`.
 */
import { assert } from '../base/assert.js';
import { FRAME_BYTES, FRAME_HEADER_BYTES, FRAME_KIND, KIND_CONTROL, KIND_SKIP } from './frame.js';
import { HEAD_WORD, RING_DATA_BYTES, TAIL_WORD, WAITING_WORD } from './ring-layout.js';

/** Whether the worker may be woken now; where not, `askAgain` is called once it may. */
export type MayWake = (askAgain: () => void) => boolean;

const ALWAYS: MayWake = () => true;

export class FrameRing {
  /** The data, for writing a reserved frame. */
  readonly bytes: Uint8Array;
  /** The same data by words of 4 bytes. */
  readonly words: Int32Array;
  /** The same data by numbers at any place. */
  readonly view: DataView;
  readonly capacityBytes: number;
  readonly #control: Int32Array;
  readonly #ringDoorbell: () => void;
  readonly #mayWake: MayWake;
  readonly #wakeAgain = () => this.#wake();
  readonly #mask: number;
  #head = 0;
  #published = 0;
  #tailSeen = 0;

  constructor(memory: SharedArrayBuffer, ringDoorbell: () => void, mayWake = ALWAYS) {
    this.capacityBytes = memory.byteLength - RING_DATA_BYTES;
    this.bytes = new Uint8Array(memory, RING_DATA_BYTES);
    this.words = new Int32Array(memory, RING_DATA_BYTES);
    this.view = new DataView(memory, RING_DATA_BYTES);
    this.#control = new Int32Array(memory, 0, RING_DATA_BYTES / 4);
    this.#mask = this.capacityBytes - 1;
    this.#ringDoorbell = ringDoorbell;
    this.#mayWake = mayWake;
    this.#head = Atomics.load(this.#control, HEAD_WORD) >>> 0;
    this.#published = this.#head;
    this.#tailSeen = Atomics.load(this.#control, TAIL_WORD) >>> 0;
  }

  /**
   * Where in `bytes` a frame of up to `frameBytes` (a multiple of 8) may be written; -1 when there
   * is no room now. Nothing is taken before `commit`.
   */
  reserve(frameBytes: number): number {
    assert(frameBytes <= this.capacityBytes / 2, 'a frame takes at most half of its ring');
    let offset = this.#head & this.#mask;
    let needed = frameBytes;
    const toEnd = this.capacityBytes - offset;
    if (frameBytes > toEnd) needed += toEnd;
    if (needed > this.#room() && needed > this.#refreshedRoom()) return -1;
    if (frameBytes > toEnd) {
      if (toEnd >= FRAME_HEADER_BYTES) {
        this.words[offset / 4 + FRAME_BYTES] = toEnd;
        this.words[offset / 4 + FRAME_KIND] = KIND_SKIP;
      }
      this.#head = (this.#head + toEnd) >>> 0;
      offset = 0;
    }
    return offset;
  }

  /** Whether frames of `frameBytes` in all find room, wherever the end lies among them. */
  hasRoom(frameBytes: number): boolean {
    return 2 * frameBytes <= this.#room() || 2 * frameBytes <= this.#refreshedRoom();
  }

  /** Takes `frameBytes` of what was reserved last. */
  commit(frameBytes: number): void {
    this.#head = (this.#head + frameBytes) >>> 0;
  }

  /** Makes everything committed visible to the worker and wakes it if it waits, as soon as it may be. */
  publish(): void {
    if (this.#head === this.#published) return;
    this.#published = this.#head;
    Atomics.store(this.#control, HEAD_WORD, this.#head | 0);
    this.#wake();
  }

  /** Writes and publishes a control frame that carries `payload`. False when there is no room. */
  control(payload: Uint8Array): boolean {
    const frameBytes = (FRAME_HEADER_BYTES + payload.byteLength + 7) & ~7;
    const offset = this.reserve(frameBytes);
    if (offset < 0) return false;
    const word = offset / 4;
    this.words.fill(0, word, word + FRAME_HEADER_BYTES / 4);
    this.words[word] = frameBytes;
    this.words[word + FRAME_KIND] = KIND_CONTROL;
    this.words[word + 7] = FRAME_HEADER_BYTES;
    this.words[word + 8] = payload.byteLength;
    this.bytes.set(payload, offset + FRAME_HEADER_BYTES);
    this.commit(frameBytes);
    this.publish();
    return true;
  }

  #wake(): void {
    if (Atomics.load(this.#control, WAITING_WORD) !== 1 || !this.#mayWake(this.#wakeAgain)) return;
    // Before the bell: a worker that hears it may wait again at once.
    Atomics.store(this.#control, WAITING_WORD, 0);
    this.#ringDoorbell();
  }

  #room(): number {
    return this.capacityBytes - ((this.#head - this.#tailSeen) >>> 0);
  }

  #refreshedRoom(): number {
    this.#tailSeen = Atomics.load(this.#control, TAIL_WORD) >>> 0;
    return this.#room();
  }
}
