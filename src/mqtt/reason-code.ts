/* Reason codes of MQTT 5, section 2.4: their names and what we do when one comes to us.
 *
 * - `go-on`: it is no failure
 * - `retry`: the connection is dialled again, with backoff
 * - `refuse`: dialling again would get the same answer until somebody changes something, here or at
 *   the broker: retried with the longest backoff, and said loudly
 * - `stop`: dialling again would do harm
 */
import { shortText } from '../base/short-text.js';

export type ReasonDisposition = 'go-on' | 'retry' | 'refuse' | 'stop';

interface Reason {
  readonly name: string;
  readonly disposition: ReasonDisposition;
}

export const SUCCESS = 0x00;
export const NO_MATCHING_SUBSCRIBERS = 0x10;
export const MALFORMED_PACKET = 0x81;
export const PROTOCOL_ERROR = 0x82;
export const IMPLEMENTATION_SPECIFIC_ERROR = 0x83;
export const CLIENT_IDENTIFIER_NOT_VALID = 0x85;
export const SESSION_TAKEN_OVER = 0x8e;
export const TOPIC_NAME_INVALID = 0x90;
export const TOPIC_ALIAS_INVALID = 0x94;
export const PACKET_TOO_LARGE = 0x95;
export const QUOTA_EXCEEDED = 0x97;
export const QOS_NOT_SUPPORTED = 0x9b;

const REASONS = new Map<number, Reason>([
  [0x00, { name: 'Success', disposition: 'go-on' }],
  [0x01, { name: 'Granted QoS 1', disposition: 'go-on' }],
  [0x02, { name: 'Granted QoS 2', disposition: 'go-on' }],
  [0x04, { name: 'Disconnect with Will Message', disposition: 'retry' }],
  [0x10, { name: 'No matching subscribers', disposition: 'go-on' }],
  [0x11, { name: 'No subscription existed', disposition: 'go-on' }],
  [0x18, { name: 'Continue authentication', disposition: 'refuse' }],
  [0x19, { name: 'Re-authenticate', disposition: 'refuse' }],
  [0x80, { name: 'Unspecified error', disposition: 'retry' }],
  [0x81, { name: 'Malformed Packet', disposition: 'retry' }],
  [0x82, { name: 'Protocol Error', disposition: 'retry' }],
  [0x83, { name: 'Implementation specific error', disposition: 'retry' }],
  [0x84, { name: 'Unsupported Protocol Version', disposition: 'refuse' }],
  [0x85, { name: 'Client Identifier not valid', disposition: 'refuse' }],
  [0x86, { name: 'Bad User Name or Password', disposition: 'refuse' }],
  [0x87, { name: 'Not authorized', disposition: 'refuse' }],
  [0x88, { name: 'Server unavailable', disposition: 'retry' }],
  [0x89, { name: 'Server busy', disposition: 'retry' }],
  [0x8a, { name: 'Banned', disposition: 'refuse' }],
  [0x8b, { name: 'Server shutting down', disposition: 'retry' }],
  [0x8c, { name: 'Bad authentication method', disposition: 'refuse' }],
  [0x8d, { name: 'Keep Alive timeout', disposition: 'retry' }],
  [0x8e, { name: 'Session taken over', disposition: 'stop' }],
  [0x8f, { name: 'Topic Filter invalid', disposition: 'refuse' }],
  [0x90, { name: 'Topic Name invalid', disposition: 'refuse' }],
  [0x91, { name: 'Packet Identifier in use', disposition: 'retry' }],
  [0x92, { name: 'Packet Identifier not found', disposition: 'go-on' }],
  [0x93, { name: 'Receive Maximum exceeded', disposition: 'retry' }],
  [0x94, { name: 'Topic Alias invalid', disposition: 'retry' }],
  [0x95, { name: 'Packet too large', disposition: 'retry' }],
  [0x96, { name: 'Message rate too high', disposition: 'retry' }],
  [0x97, { name: 'Quota exceeded', disposition: 'retry' }],
  [0x98, { name: 'Administrative action', disposition: 'retry' }],
  [0x99, { name: 'Payload format invalid', disposition: 'retry' }],
  [0x9a, { name: 'Retain not supported', disposition: 'refuse' }],
  [0x9b, { name: 'QoS not supported', disposition: 'refuse' }],
  [0x9c, { name: 'Use another server', disposition: 'refuse' }],
  [0x9d, { name: 'Server moved', disposition: 'refuse' }],
  [0x9e, { name: 'Shared Subscriptions not supported', disposition: 'refuse' }],
  [0x9f, { name: 'Connection rate exceeded', disposition: 'retry' }],
  [0xa0, { name: 'Maximum connect time', disposition: 'retry' }],
  [0xa1, { name: 'Subscription Identifiers not supported', disposition: 'refuse' }],
  [0xa2, { name: 'Wildcard Subscriptions not supported', disposition: 'refuse' }],
]);

/** Those that a CONNACK may have, section 3.2.2.2 [MQTT-3.2.2-8]. */
const CONNACK_REASONS: ReadonlySet<number> = new Set([
  0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97,
  0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9f,
]);

/** Those that a PUBACK may have, section 3.4.2.1 [MQTT-3.4.2-1]. */
const PUBACK_REASONS: ReadonlySet<number> = new Set([
  0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99,
]);

export function isConnackReason(code: number): boolean {
  return CONNACK_REASONS.has(code);
}

export function isPubackReason(code: number): boolean {
  return PUBACK_REASONS.has(code);
}

/** `0x87 Not authorized`, or the number alone where MQTT 5 has no such code. */
export function reasonText(code: number): string {
  const number = `0x${code.toString(16).padStart(2, '0')}`;
  const reason = REASONS.get(code);
  return reason === undefined ? number : `${number} ${reason.name}`;
}

/** A text with the broker's own words behind it, where it has some. */
export function withReasonString(text: string, reasonString: string | undefined): string {
  return reasonString === undefined ? text : `${text} (${shortText(reasonString)})`;
}

/** What to do about a reason code; one that MQTT 5 does not have counts by its highest bit. */
export function reasonDisposition(code: number): ReasonDisposition {
  return REASONS.get(code)?.disposition ?? (code >= 0x80 ? 'retry' : 'go-on');
}
