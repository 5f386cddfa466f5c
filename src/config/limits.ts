/* Every bound in the process and how they hang together; what the configuration sets is bounded by
 * its schema. Asserted when the module loads.
 */
import { assert } from '../base/assert.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/** A payload of more bytes than this travels in the slab, the shared memory for large payloads. */
export const LARGE_PAYLOAD_BYTES = 1_000_000;
/** Topic name and properties of one PUBLISH, and any other packet. */
export const HEADER_PART_BYTES_MAX = 256 * KIB;
/** What one read from a socket takes at most. */
export const READ_BYTES = 256 * KIB;
/** Holds one incomplete packet that is not large, and a read behind it; twice, so that bytes are
 * moved to the front seldom. Pages that are never written to cost nothing. */
export const RECEIVE_BUFFER_BYTES = 4 * MIB;
/** One frame: a payload that is not large, topic and properties as headers, their names. */
export const FRAME_BYTES_MAX = 2 * MIB;
/** The ring of small records of one shard. */
export const FRAME_RING_BYTES = 8 * MIB;
/** Frames that one shard may have taken and not settled: librdkafka's copies of them. With several
 * sessions, and only where one that holds nothing takes its first message when little is left: for
 * each session the frames of one message more, which are half a ring together at most. */
export const SHARD_OUTSTANDING_BYTES_MAX = 64 * MIB;
/** Records that one shard may have taken and not settled; of the first message of a session, so many
 * more as it has routes. */
export const SHARD_OUTSTANDING_RECORDS_MAX = 131_072;
/** 8 bytes a settlement. */
export const SETTLEMENT_RING_BYTES = SHARD_OUTSTANDING_RECORDS_MAX * 8;
/** Large payloads that all sessions of one connector share, at least; two of maxPayloadBytes always
 * fit. With several sessions each has a region of maxPayloadBytes besides, which is never touched
 * while the common part has room. */
export const SLAB_BYTES_MIN = 96 * MIB;
/** And at most, with the regions of the sessions: a frame says in 31 bits where a payload lies. */
export const SLAB_BYTES_MAX = 2048 * MIB - 4 * KIB;
/** What maxPayloadBytes may be at most: MQTT 5 ends a packet at 268,435,455 bytes; one MiB of them
 * stays for topic and properties. */
export const PAYLOAD_BYTES_MAX = 255 * MIB;
/** The ring of records of one route from Kafka: what is read and not settled. */
export const RECORD_RING_BYTES = 4 * MIB;
/** Bodies of records that are too large for it, at least; two of maxPayloadBytes always fit. */
export const LARGE_RING_BYTES_MIN = 32 * MIB;
/** Topic names that are published to and remembered, encoded: 32 MiB, were all of them as long as may
 * be. So many Topic Aliases are given at most over one connection, each of which holds a name too. */
export const OUTGOING_TOPICS_CACHED = 16_384;
/** Deliveries of QoS 0 that are under way at once, beside the Receive Maximum of every session. */
export const QOS0_DELIVERIES_MAX = 16_384;
/** Topic names that are remembered with what is derived from them: 100,000 devices with one each. With
 * more in turn each message would pay for what its topic had derived before. */
export const TOPICS_CACHED = 131_072;
/** What all of those from MQTT take at most: of ordinary names with one route all of them fit. */
export const TOPICS_CACHED_BYTES_MAX = 128 * MIB;
/** A longer topic name is not remembered. MQTT allows 65,535 bytes, and whoever may publish makes up as
 * many as he likes. What is forgotten while a delivery is open stays with that delivery: 64 MiB, were
 * 65,535 of QoS 1 and all of QoS 0 open with names of this length. */
export const TOPIC_CACHED_BYTES_MAX = 512;
/** Longer names that the open deliveries of one connector hold; of a session that holds none, one
 * more. A dead letter that waits for the disk holds its name twice more. */
export const LONG_TOPICS_HELD_BYTES_MAX = 16 * MIB;
/** The Topic Alias Maximum of a session, which has to remember a name of any length for each: 8 MiB at
 * most. A broker that has more topics than aliases sends the names of the others. */
export const TOPIC_ALIAS_MAXIMUM = 128;
/** What a session has given to its socket and the socket not to the kernel, before it sends no more. */
export const UNSENT_BYTES_MAX = MIB;
/** Room in Maximum Packet Size for what is not payload. */
export const PACKET_OVERHEAD_BYTES = HEADER_PART_BYTES_MAX + 5;
/** Room in a Kafka record for what is not payload: properties become headers, the topic key and
 * header, and each header has a name and lengths of its own. */
export const RECORD_OVERHEAD_BYTES = 4 * HEADER_PART_BYTES_MAX;

assert(
  RECEIVE_BUFFER_BYTES >= LARGE_PAYLOAD_BYTES + HEADER_PART_BYTES_MAX + 2 * READ_BYTES,
  'the receive buffer holds an incomplete packet and a read, and has room for another read',
);
assert(
  LARGE_PAYLOAD_BYTES > 2 * READ_BYTES,
  'what is read of a large payload before the slab has room for it never is all of it',
);
assert(
  FRAME_BYTES_MAX >= LARGE_PAYLOAD_BYTES + 3 * HEADER_PART_BYTES_MAX,
  'every PUBLISH that is not large fits a frame',
);
assert(FRAME_RING_BYTES >= 2 * FRAME_BYTES_MAX, 'a frame takes at most half of its ring');
assert(
  2 * FRAME_BYTES_MAX <= SHARD_OUTSTANDING_BYTES_MAX,
  'one session alone always finds credit for a message',
);
assert(
  Math.max(SLAB_BYTES_MIN, 2 * PAYLOAD_BYTES_MAX) + 2 * PAYLOAD_BYTES_MAX <= SLAB_BYTES_MAX,
  'there is room for regions of two sessions at least',
);
