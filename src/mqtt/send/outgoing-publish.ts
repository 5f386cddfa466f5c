/* OutgoingPublish: a PUBLISH that is to be sent, as the flow describes it. One object a sender, filled
 * anew for each message; topic, properties and payload are where they lie already.
 */
import type { OutgoingTopic } from './outgoing-topics.js';

const NOTHING = new Uint8Array(0);

/**
 * At QoS 1 a payload of more bytes than this is not copied: the socket reads it where it lies. It must
 * stay as it is until its PUBACK, or until its connection has ended; whoever gives up a delivery earlier
 * waits for `Outbound.borrowing` to be false. A payload of up to this many bytes, and any at QoS 0, is
 * the caller's again when `Outbound.publish` returns.
 */
export const COPIED_PAYLOAD_BYTES_MAX = 16_384;

export class OutgoingPublish {
  qos: 0 | 1 = 1;
  retain = false;
  /** Set before the first use. */
  topic: OutgoingTopic | undefined;
  /** Encoded, without the Property Length and without a Topic Alias. */
  properties: Uint8Array = NOTHING;
  propertiesStart = 0;
  propertiesBytes = 0;
  /** May be memory that threads share. */
  payload: Uint8Array = NOTHING;
  payloadStart = 0;
  payloadBytes = 0;
}
