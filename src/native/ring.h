#pragma once
/* The rings between the main thread and one worker, in one SharedArrayBuffer each.
 * src/channel/ring-layout.ts is the same layout for JavaScript.
 *
 *   byte 0    head     u32, written by the writer only: bytes ever published, modulo 2^32
 *   byte 64   tail     u32, written by the reader only: bytes ever released
 *   byte 128  waiting  u32, 1 while the reader is idle and wants its doorbell rung
 *   byte 132  blocked  u32, 1 while the writer has no room and wants its doorbell rung; record ring only
 *   byte 192  data, a power of two
 *
 * 1. head - tail <= capacity, modulo 2^32.
 * 2. Bytes are written before head is published (release) and read after it is seen (acquire).
 * 3. The reader sets `waiting` and then looks at head once more; the writer publishes head and then
 *    looks at `waiting`: with sequential consistency one of the two sees the other.
 * 4. The writer sets `blocked` and then looks at tail once more; the reader moves tail and then looks
 *    at `blocked`: the same the other way round.
 */
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace millrace {

constexpr size_t kRingHead = 0;
constexpr size_t kRingTail = 64;
constexpr size_t kRingWaiting = 128;
constexpr size_t kRingBlocked = 132;
constexpr size_t kRingData = 192;

class Ring {
 public:
  Ring() = default;
  Ring(uint8_t* start, size_t bytes)
      : start_(start), capacity_(static_cast<uint32_t>(bytes - kRingData)) {}

  /** Whether memory of this size can hold a ring. */
  static bool Fits(const uint8_t* start, size_t bytes) {
    if (start == nullptr || reinterpret_cast<uintptr_t>(start) % 8 != 0) return false;
    if (bytes <= kRingData || bytes - kRingData > (size_t{1} << 30)) return false;
    const size_t capacity = bytes - kRingData;
    return (capacity & (capacity - 1)) == 0 && capacity >= 64;
  }

  uint32_t capacity() const { return capacity_; }
  uint8_t* data() const { return start_ + kRingData; }
  std::atomic<uint32_t>& head() const { return Word(kRingHead); }
  std::atomic<uint32_t>& tail() const { return Word(kRingTail); }
  std::atomic<uint32_t>& waiting() const { return Word(kRingWaiting); }
  std::atomic<uint32_t>& blocked() const { return Word(kRingBlocked); }
  uint8_t* At(uint32_t position) const { return data() + (position & (capacity_ - 1)); }
  uint32_t ToEnd(uint32_t position) const { return capacity_ - (position & (capacity_ - 1)); }

 private:
  std::atomic<uint32_t>& Word(size_t offset) const {
    static_assert(sizeof(std::atomic<uint32_t>) == 4 && std::atomic<uint32_t>::is_always_lock_free,
                  "JavaScript's Atomics read the same word");
    return *reinterpret_cast<std::atomic<uint32_t>*>(start_ + offset);
  }
  uint8_t* start_ = nullptr;
  uint32_t capacity_ = 0;
};

}  // namespace millrace
