#include "settlements.h"

#include <algorithm>
#include <cstring>

#include "wake.h"

namespace millrace {
namespace {

constexpr uint32_t kEntryBytes = 8;
// So many wake main at once, whatever else is under way.
constexpr size_t kReportAtOnce = 32;

}  // namespace

Settlements::Settlements(Ring ring, int main_fd)
    : ring_(ring), main_fd_(main_fd), head_(ring.head().load() & ~(kEntryBytes - 1)) {}

void Settlements::Push(uint32_t delivery_id, uint32_t frame_bytes, Settlement settlement) {
  const uint32_t word = (frame_bytes / 8) << 4 | static_cast<uint32_t>(settlement);
  waiting_.push_back(uint64_t{word} << 32 | delivery_id);
}

bool Settlements::Publish() {
  if (waiting_.empty()) return true;
  const uint32_t unread = head_ - ring_.tail().load(std::memory_order_acquire);
  const size_t room = (ring_.capacity() - std::min(unread, ring_.capacity())) / kEntryBytes;
  const size_t count = std::min(room, waiting_.size());
  for (size_t i = 0; i < count; i++, head_ += kEntryBytes) {
    std::memcpy(ring_.At(head_), &waiting_[i], kEntryBytes);
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
  ring_.head().store(head_, std::memory_order_seq_cst);
  unreported_ += count;
  return waiting_.empty();
}

bool Settlements::due() const { return unreported_ >= kReportAtOnce || !waiting_.empty(); }

void Settlements::Report() {
  unreported_ = 0;
  if (ring_.waiting().exchange(0, std::memory_order_seq_cst) == 1) RingDoorbell(main_fd_);
}

}  // namespace millrace
