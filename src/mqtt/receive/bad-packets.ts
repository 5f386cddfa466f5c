/* BadPackets: PUBLISHes that cannot be read. The broker sends one of QoS 1 again after each reconnect,
 * so the third time it is taken out of its way instead: no reconnect loop.
 */

import { QOS_NOT_SUPPORTED } from '../reason-code.js';
import type { PublishFault } from './publish-check.js';

const ATTEMPTS = 3;
const REMEMBERED_MAX = 1000;

/** What to do about a bad packet: end the connection, keep and acknowledge it, or stop for good. */
export type BadPacketVerdict = 'disconnect' | 'take away' | 'stop';

export class BadPackets {
  /** By packet identifier: how often it came. */
  readonly #attempts = new Map<number, number>();

  /** Counts it; says what to do. */
  onBad(fault: PublishFault): BadPacketVerdict {
    // QoS 0 is never sent again, so there is no loop to break.
    if (fault.qos === 0) return 'disconnect';
    const attempts = (this.#attempts.get(fault.packetId) ?? 0) + 1;
    if (this.#attempts.size >= REMEMBERED_MAX) this.#attempts.clear();
    this.#attempts.set(fault.packetId, attempts);
    if (attempts < ATTEMPTS) return 'disconnect';
    // It can be acknowledged only by a PUBACK, with its packet identifier, once all of it was read.
    if (fault.reasonCode === QOS_NOT_SUPPORTED || fault.packetId === 0 || !fault.whole) {
      return 'stop';
    }
    this.#attempts.delete(fault.packetId);
    return 'take away';
  }

  /** A sound PUBLISH has this packet identifier now. */
  onGood(packetId: number): void {
    if (this.#attempts.size > 0) this.#attempts.delete(packetId);
  }
}
