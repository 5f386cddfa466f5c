/* SharedPayload: a payload that several records share is copied once, to the slab, so that their frames
 * stay small. One for a flow: the payload of the PUBLISH at hand. Main thread only.
 */
import { ABSENT, type Publish } from '../../mqtt/receive/publish.js';
import type { SessionSlab } from '../../ring/session-slab.js';

/** From this size on the copy costs less than one for each record. */
const SHARED_PAYLOAD_BYTES = 16_384;

export class SharedPayload {
  readonly #slab: SessionSlab;
  /** Whether this PUBLISH's payload was moved, and its records are not sent yet. */
  #moved = false;

  constructor(slab: SessionSlab) {
    this.#slab = slab;
  }

  /** Moves a payload that is worth it and is not in the slab. False: no room now, nothing has happened. */
  move(session: number, publish: Publish): boolean {
    const { payloadStart, payloadBytes } = publish;
    if (publish.slabOffset !== ABSENT || payloadBytes < SHARED_PAYLOAD_BYTES) return true;
    const offset = this.#slab.reserve(session, payloadBytes);
    if (offset < 0) return false;
    const payload = publish.bytes.subarray(payloadStart, payloadStart + payloadBytes);
    this.#slab.bytes.set(payload, offset);
    publish.slabOffset = offset;
    this.#moved = true;
    return true;
  }

  /** The delivery that was opened owns the region now. */
  handOver(): void {
    this.#moved = false;
  }

  /** Nothing was sent: the slab has its room back. Always false. */
  undo(publish: Publish): false {
    if (this.#moved) {
      this.#slab.release(publish.slabOffset);
      publish.slabOffset = ABSENT;
      this.#moved = false;
    }
    return false;
  }
}
