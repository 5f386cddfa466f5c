#pragma once
/* LargeRing: where the bodies of large records lie, in memory that main reads and never writes.
 *
 * 1. Regions are taken front to back in the order of their records, each contiguous, at multiples of 8.
 * 2. A region is free again when the record ring's tail has passed its record; records are released
 *    in any order, but tail moves in theirs, so regions become free in the order they were taken.
 * 3. With nothing taken the next region begins at 0, so that the same pages are used again.
 */
#include <cstdint>
#include <deque>

#include "frame.h"

namespace millrace {

class LargeRing {
 public:
  static constexpr uint64_t kNoRoom = UINT64_MAX;

  LargeRing() = default;
  explicit LargeRing(Slab memory) : memory_(memory) {}

  uint64_t capacity() const { return memory_.bytes; }
  uint8_t* At(uint64_t offset) const { return const_cast<uint8_t*>(memory_.start) + offset; }

  /** Where a body of that many bytes can lie, or kNoRoom. Nothing is taken before Take. */
  uint64_t Find(uint64_t bytes) const {
    if (regions_.empty()) return bytes <= memory_.bytes ? 0 : kNoRoom;
    const uint64_t first = regions_.front().start;
    const uint64_t next = (regions_.back().end + 7) & ~uint64_t{7};
    const bool wrapped = regions_.back().start < first;
    if (wrapped) return next + bytes <= first ? next : kNoRoom;
    if (next + bytes <= memory_.bytes) return next;
    return bytes <= first ? 0 : kNoRoom;
  }

  /** @param record_end where in the record ring the body's frame ends */
  void Take(uint64_t start, uint64_t bytes, uint32_t record_end) {
    regions_.push_back({start, start + bytes, record_end});
  }

  /** Frees what lies before `tail`; both positions modulo 2^32, within 2^31 of each other. */
  void Free(uint32_t tail) {
    while (!regions_.empty() &&
           static_cast<int32_t>(tail - regions_.front().record_end) >= 0) {
      regions_.pop_front();
    }
  }

 private:
  struct Region {
    uint64_t start;
    uint64_t end;
    uint32_t record_end;
  };
  Slab memory_;
  std::deque<Region> regions_;
};

}  // namespace millrace
