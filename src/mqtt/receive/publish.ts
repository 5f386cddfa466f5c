/* Publish: a PUBLISH as the fast lane reads it, in place. One object a connection, written anew for
 * each packet: what is to be kept is copied before the next one is read.
 */
import type { Topic } from './topic-cache.js';

/** No position, no value. */
export const ABSENT = -1;

export class Publish {
  /** The receive buffer, by bytes, by words, and by numbers at any place; positions below are into it. */
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly view: DataView;
  qos = 0;
  dup = false;
  retain = false;
  /** 0 at QoS 0. */
  packetId = 0;
  topicStart = 0;
  topicEnd = 0;
  /** 0 when there is none. */
  topicAlias = 0;
  /** Resolved from the bytes or from the alias before anybody else sees this object. */
  topic: Topic | undefined;
  propertiesStart = 0;
  propertiesEnd = 0;
  payloadFormat = ABSENT;
  expirySeconds = ABSENT;
  contentTypeStart = ABSENT;
  contentTypeEnd = 0;
  responseTopicStart = ABSENT;
  responseTopicEnd = 0;
  correlationDataStart = ABSENT;
  correlationDataEnd = 0;
  userProperties = 0;
  /** The first `subscriptionIds` entries of `subscriptionId` hold. */
  subscriptionIds = 0;
  readonly subscriptionId = new Int32Array(SUBSCRIPTION_IDS_MAX);
  payloadStart = 0;
  payloadBytes = 0;
  /** Where in the slab the payload lies; ABSENT when it is in `bytes`. */
  slabOffset = ABSENT;
  /**
   * Bytes of topic name and properties where they are too many to be read, else 0. Then nothing is
   * known of the properties, and the payload is the whole packet as it came.
   */
  unreadBytes = 0;
  /** Bytes of the whole packet, for the counters. */
  packetBytes = 0;

  constructor(bytes: Uint8Array, words: Int32Array) {
    this.bytes = bytes;
    this.words = words;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
}

/** A broker that names more subscriptions than this in one packet is not one that we made them at. */
export const SUBSCRIPTION_IDS_MAX = 4096;
