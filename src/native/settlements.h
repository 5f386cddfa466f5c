#pragma once
/* Settlements: the writer's end of the settlement ring, which src/channel/settlement-ring.ts reads on
 * the main thread. What finds no room in the ring waits here; main's credit bounds it.
 *
 * At low rates the cost of a message is the waking of threads and one write of PUBACKs for each. So
 * main is woken for several settlements, or when no more are to be expected, or by Report, which the
 * worker calls within a millisecond.
 */
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ring.h"

namespace millrace {

/** Outcomes that cross to main; the same numbers as in src/channel/protocol.ts. */
enum class Settlement : uint32_t { kDelivered = 0, kAbandoned = 1, kExpired = 2 };

class Settlements {
 public:
  Settlements() = default;
  Settlements(Ring ring, int main_fd);

  void Push(uint32_t delivery_id, uint32_t frame_bytes, Settlement settlement);
  /** Writes what there is to the ring. True when all of it found room. */
  bool Publish();
  /** Whether main has not been woken for what is in the ring. */
  bool unreported() const { return unreported_ > 0; }
  /** Whether enough has come together, or has to leave. */
  bool due() const;
  /** Wakes main, if it waits. */
  void Report();

 private:
  Ring ring_;
  int main_fd_ = -1;
  // Ours: the word in shared memory tells main, nobody tells us.
  uint32_t head_ = 0;
  std::vector<uint64_t> waiting_;  // not yet in the ring
  size_t unreported_ = 0;
};

}  // namespace millrace
