#pragma once
/* Record frame: one record of Kafka's as it travels from a worker to the main thread, in shared memory.
 * This is the writer's side; src/channel/record-frame.ts is the reader's and draws the layout too.
 *
 *   word  0 frameBytes    1 kind (frame.h)      2 flags             3 partition
 *         4, 5 offset, low and high             6, 7 timestampMs, low and high; -1: none
 *         8 keyBytes (0xffffffff: null)         9 headerCount       10 headersBytes
 *        11 bodyOffset   12 payloadBytes       13 the reader's      14, 15 nobody's, 0
 *   byte 64: body: key, headers, payload, one behind the other; then padding to a multiple of 8
 *   header: u16 nameBytes, u16 valueKind, u32 valueBytes, name, value (little endian, unaligned)
 */
#include <cstdint>

namespace millrace {

constexpr uint32_t kRecordHeaderBytes = 64;
/** A larger body lies in the large ring; LARGE_PAYLOAD_BYTES in src/config/limits.ts. */
constexpr uint64_t kLargeBodyBytes = 1000000;

enum RecordFlags : uint32_t {
  kBodyInLarge = 1,  // bodyOffset counts from the start of the large ring, else from the frame's
  kNoValue = 2,      // the record's value is null: a tombstone
  kOversize = 4,     // larger than the large ring: no body, payloadBytes is the true size
};

/** Kinds of a header's value; as in src/channel/record-frame.ts. */
enum class RecordHeaderValue : uint16_t { kBytes = 0, kNull = 2 };

struct RecordWords {
  uint32_t frame_bytes;
  uint32_t kind;
  uint32_t flags;
  int32_t partition;
  int64_t offset;
  int64_t timestamp_ms;
  uint32_t key_bytes;
  uint32_t header_count;
  uint32_t headers_bytes;
  uint32_t body_offset;
  uint32_t payload_bytes;
  uint32_t spare[3];
};
static_assert(sizeof(RecordWords) == kRecordHeaderBytes, "JavaScript reads the same words");

}  // namespace millrace
