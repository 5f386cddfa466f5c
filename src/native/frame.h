#pragma once
/* Frame: one record as it travels from the main thread to a worker, in shared memory.
 * src/channel/frame.ts is the writer and documents the layout; this is the reader. Nothing that it
 * reads is trusted: a frame whose lengths do not fit is refused and never dereferenced past its end.
 *
 *   word  0 frameBytes   1 kind        2 deliveryId   3 targetId
 *         4 keyBytes     5 headerCount 6 headersBytes 7 payloadOffset
 *         8 payloadBytes 9 flags, routeIndex << 16     10, 11 deadlineMs, low and high
 *   then key, headers, padding, payload
 *   header: u16 nameBytes, u16 valueKind, u32 valueBytes, name, value (little endian, unaligned)
 */
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace millrace {

constexpr uint32_t kFrameHeaderBytes = 48;
constexpr uint32_t kHeaderEntryBytes = 8;
constexpr uint32_t kNullKey = 0xffffffff;
constexpr uint32_t kFrameBytesMax = 8u << 20;
constexpr uint32_t kHeaderCountMax = 65535;

enum class FrameKind : uint32_t { kRecord = 1, kSkip = 2, kControl = 3 };
enum FrameFlags : uint32_t { kPayloadInSlab = 1, kExpires = 2 };
enum class HeaderValue : uint16_t { kBytes = 0, kRemainingSeconds = 1 };

struct Frame {
  const uint8_t* start = nullptr;
  uint32_t bytes = 0;
  FrameKind kind = FrameKind::kSkip;
  uint32_t delivery_id = 0;
  uint32_t target_id = 0;
  const uint8_t* key = nullptr;
  uint32_t key_bytes = 0;
  uint32_t header_count = 0;
  const uint8_t* headers = nullptr;
  uint32_t headers_bytes = 0;
  const uint8_t* payload = nullptr;
  uint32_t payload_bytes = 0;
  uint32_t flags = 0;
  uint64_t deadline_ms = 0;

  /** Key, headers and payload; recordBytesOf in src/channel/frame.ts. */
  uint64_t record_bytes() const { return uint64_t{key_bytes} + headers_bytes + payload_bytes; }
};

struct FrameHeader {
  std::string_view name;
  HeaderValue kind = HeaderValue::kBytes;
  const uint8_t* value = nullptr;
  uint32_t value_bytes = 0;
};

/** Shared memory that holds payloads too big for a frame. */
struct Slab {
  const uint8_t* start = nullptr;
  size_t bytes = 0;
};

/**
 * Reads the frame at `start`, of which at most `available` bytes are readable.
 * Returns nullptr when it is sound, else what is wrong with it.
 */
inline const char* ReadFrame(const uint8_t* start, size_t available, const Slab& slab, Frame* out) {
  if (available < kFrameHeaderBytes) return "shorter than its header";
  uint32_t word[12];
  // Copied before it is checked: the other side of shared memory could change it in between.
  std::memcpy(word, start, sizeof word);
  const uint32_t bytes = word[0];
  if (bytes < kFrameHeaderBytes || bytes > kFrameBytesMax || bytes % 8 != 0) return "length out of range";
  if (bytes > available) return "length past the end";
  out->start = start;
  out->bytes = bytes;
  switch (word[1]) {
    case 1: out->kind = FrameKind::kRecord; break;
    case 2: out->kind = FrameKind::kSkip; return nullptr;
    case 3: out->kind = FrameKind::kControl; break;
    default: return "unknown kind";
  }
  out->delivery_id = word[2];
  out->target_id = word[3];
  const bool has_key = word[4] != kNullKey;
  out->key_bytes = has_key ? word[4] : 0;
  out->header_count = word[5];
  out->headers_bytes = word[6];
  out->payload_bytes = word[8];
  out->flags = word[9];
  out->deadline_ms = uint64_t{word[11]} << 32 | word[10];
  uint64_t position = kFrameHeaderBytes;
  out->key = has_key ? start + position : nullptr;
  position += out->key_bytes;
  if (position > bytes) return "key past the end";
  out->headers = start + position;
  position += out->headers_bytes;
  if (position > bytes) return "headers past the end";
  if (out->header_count > kHeaderCountMax) return "too many headers";
  const uint64_t payload_offset = word[7];
  if (out->flags & kPayloadInSlab) {
    if (payload_offset + out->payload_bytes > slab.bytes) return "payload past the end of the slab";
    out->payload = slab.start + payload_offset;
  } else {
    if (payload_offset < position || payload_offset + out->payload_bytes > bytes) {
      return "payload past the end";
    }
    out->payload = start + payload_offset;
  }
  return nullptr;
}

/** Reads the header at `*position` of a frame and moves on. False when it is not sound. */
inline bool ReadHeader(const Frame& frame, uint32_t* position, FrameHeader* out) {
  if (frame.headers_bytes - *position < kHeaderEntryBytes) return false;
  const uint8_t* at = frame.headers + *position;
  uint16_t name_bytes, kind;
  uint32_t value_bytes;
  std::memcpy(&name_bytes, at, 2);
  std::memcpy(&kind, at + 2, 2);
  std::memcpy(&value_bytes, at + 4, 4);
  const uint64_t end = uint64_t{*position} + kHeaderEntryBytes + name_bytes + value_bytes;
  if (end > frame.headers_bytes || kind > 1) return false;
  out->name = {reinterpret_cast<const char*>(at + kHeaderEntryBytes), name_bytes};
  out->kind = static_cast<HeaderValue>(kind);
  out->value = at + kHeaderEntryBytes + name_bytes;
  out->value_bytes = value_bytes;
  *position = static_cast<uint32_t>(end);
  return true;
}

}  // namespace millrace
