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
/** Frames that one shard may have taken and not settled: librdkafka's copies of them. */
export const SHARD_OUTSTANDING_BYTES_MAX = 64 * MIB;
/** Records that one shard may have taken and not settled. */
export const SHARD_OUTSTANDING_RECORDS_MAX = 131_072;
/** 8 bytes a settlement. */
export const SETTLEMENT_RING_BYTES = SHARD_OUTSTANDING_RECORDS_MAX * 8;
/** Large payloads of one connector, at least; one of maxPayloadBytes always fits. */
export const SLAB_BYTES_MIN = 96 * MIB;
/** Deliveries of QoS 0 that are under way at once, beside the Receive Maximum of every session. */
export const QOS0_DELIVERIES_MAX = 16_384;
/** Topic names that are remembered with what is derived from them. */
export const TOPICS_CACHED = 65_536;
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
  FRAME_BYTES_MAX >= LARGE_PAYLOAD_BYTES + 3 * HEADER_PART_BYTES_MAX,
  'every PUBLISH that is not large fits a frame',
);
assert(FRAME_RING_BYTES >= 2 * FRAME_BYTES_MAX, 'a frame takes at most half of its ring');
