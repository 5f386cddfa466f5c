/* SessionSlab: the slab as the sessions of one connector share it. Main thread only.
 *
 *   | own | own | own |                common                |
 *
 * With several sessions each has a region of its own, as long as the largest payload: whatever the
 * others hold, and however they have cut the common part to pieces, one payload of a session can pass.
 * A region is lent only when the common part has nothing for its session, so that pages which nobody
 * needs are never touched. With a single session all is common.
 *
 * 1. A session takes of the common part by FairShare, and its own region when that says no.
 * 2. Where there are fewer regions than sessions, a session shares one with those that `regionOf` says.
 */
import { FairShare } from '../base/fair-share.js';
import { PayloadSlab } from './payload-slab.js';

export interface SessionSlabOptions {
  readonly commonBytes: number;
  /** A payload has at most so many bytes. */
  readonly payloadBytesMax: number;
  /** By session: which region is its own; regions are counted from 0. Of one session none is. */
  readonly regionOf: readonly number[];
}

interface Taken {
  readonly session: number;
  readonly bytes: number;
}

export class SessionSlab {
  readonly #slab: PayloadSlab;
  readonly #share: FairShare;
  /** Where the session's own region begins; undefined for a session that has none. */
  readonly #ownStart: readonly (number | undefined)[];
  /** By start: whether a region that is some session's own is lent. */
  readonly #lent = new Map<number, boolean>();
  /** By start: who has what of the common part. */
  readonly #taken = new Map<number, Taken>();

  constructor({ commonBytes, payloadBytesMax, regionOf }: SessionSlabOptions) {
    const regions = regionOf.length === 1 ? 0 : Math.max(-1, ...regionOf) + 1;
    const ownBytes = PayloadSlab.regionBytes(payloadBytesMax);
    this.#slab = new PayloadSlab(commonBytes + regions * ownBytes);
    this.#share = new FairShare(commonBytes, regionOf.length);
    const starts = Array.from({ length: regions }, () => this.#slab.reserve(ownBytes));
    for (const start of starts) this.#lent.set(start, false);
    this.#ownStart = regionOf.map((region) => starts[region]);
  }

  get memory(): SharedArrayBuffer {
    return this.#slab.memory;
  }

  get bytes(): Uint8Array {
    return this.#slab.bytes;
  }

  /** Start of a region for a payload of this session, or -1 when there is none now. */
  reserve(session: number, payloadBytes: number): number {
    const bytes = PayloadSlab.regionBytes(payloadBytes);
    if (this.#share.mayTake(session, bytes)) {
      const start = this.#slab.reserve(bytes);
      if (start >= 0) {
        this.#share.take(session, bytes);
        this.#taken.set(start, { session, bytes });
        return start;
      }
    }
    const own = this.#ownStart[session];
    if (own === undefined || this.#lent.get(own) === true) return -1;
    this.#lent.set(own, true);
    return own;
  }

  release(start: number): void {
    if (this.#lent.get(start) === true) {
      this.#lent.set(start, false);
      return;
    }
    const taken = this.#taken.get(start);
    if (taken !== undefined) this.#share.give(taken.session, taken.bytes);
    this.#taken.delete(start);
    this.#slab.release(start);
  }
}
