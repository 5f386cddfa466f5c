#pragma once
/* FrameReader: what the frame ring holds next. It reads within the ring whatever main, or memory that
 * went wrong, has written to head, tail and data.
 */
#include <algorithm>

#include "frame.h"
#include "ring.h"

namespace millrace {

enum class Next { kNothing, kFrame, kCorrupt };

/**
 * Reads the record or control frame at `*tail`, after moving `*tail` past what main left unused before
 * the end. The caller takes the frame by adding its length to `*tail`.
 */
inline Next ReadNext(const Ring& ring, uint32_t head, const Slab& slab, uint32_t* tail, Frame* out) {
  while (*tail != head) {
    const uint32_t published = head - *tail;
    if (published > ring.capacity() || *tail % 8 != 0) return Next::kCorrupt;
    const uint32_t to_end = ring.ToEnd(*tail);
    if (to_end < kFrameHeaderBytes) {
      // Too near the end for a header: main left the rest unused.
      if (published < to_end) return Next::kCorrupt;
      *tail += to_end;
      continue;
    }
    if (ReadFrame(ring.At(*tail), std::min(published, to_end), slab, out) != nullptr) {
      return Next::kCorrupt;
    }
    if (out->kind != FrameKind::kSkip) return Next::kFrame;
    *tail += out->bytes;
  }
  return Next::kNothing;
}

}  // namespace millrace
