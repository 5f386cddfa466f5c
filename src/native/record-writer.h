#pragma once
/* RecordWriter: the writer's end of the record ring and of the large ring beside it;
 * src/channel/record-ring.ts reads them on the main thread. On its worker's thread only.
 *
 * 1. A frame never straddles the end: a skip frame fills what is left there, or nothing does where
 *    that is less than a frame's header. Skip and record are published together.
 * 2. A frame takes at most half of the ring, so that an empty ring has room for it wherever its head
 *    stands; a body that would need more lies in the large ring, whatever its size.
 * 3. What is in the way of a record without room is in the ring already, so that tail will move: a
 *    record that no release could make room for is written as oversize instead.
 * 4. A writer that takes over a ring, as after a fatal error of its predecessor's consumer, finds the
 *    regions of the large ring that main still reads: the records between tail and head have them.
 */
#include <librdkafka/rdkafka.h>

#include <cstdint>

#include "large-ring.h"
#include "record-frame.h"
#include "ring.h"

namespace millrace {

class RecordWriter {
 public:
  RecordWriter() = default;
  RecordWriter(Ring ring, Slab large, int main_fd);

  /** Whether memory of these sizes can be written to. */
  static bool Fits(const uint8_t* ring, size_t ring_bytes, size_t large_bytes);

  /** What was written: its bytes, 0 when there is no room now; and whether its headers were sound. */
  struct Placed {
    uint64_t bytes;
    rd_kafka_resp_err_t headers;
  };
  Placed Place(const rd_kafka_message_t& record);

  /** Shows main what was placed, and wakes it where it waits. */
  void Publish();
  /** Asks main to ring this worker when there is room. False: there may be room already. */
  bool Block();

 private:
  struct Body;
  Body Measure(const rd_kafka_message_t& record) const;
  uint32_t Room() const;
  void TakeOver();
  void SeeTail();
  bool Reserve(uint32_t frame_bytes);
  void WriteHeader(const rd_kafka_message_t& record, const Body& body);

  Ring ring_;
  LargeRing large_;
  int main_fd_ = -1;
  // Ours: the word in shared memory tells main, nobody tells us.
  uint32_t head_ = 0;
  uint32_t published_ = 0;
  uint32_t tail_seen_ = 0;
};

}  // namespace millrace
