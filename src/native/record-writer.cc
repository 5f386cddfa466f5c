#include "record-writer.h"

#include <algorithm>
#include <cstring>

#include "wake.h"

namespace millrace {
namespace {

constexpr uint32_t kHeaderNameBytesMax = 65535;

uint32_t Aligned(uint64_t bytes) { return static_cast<uint32_t>((bytes + 7) & ~uint64_t{7}); }

// Calls back with each header that a frame can hold. librdkafka gives a name as a C string: one that
// holds a NUL ends there, which MQTT could not carry either.
template <typename Use>
void ForEachHeader(const rd_kafka_headers_t* headers, Use use) {
  const char* name;
  const void* value;
  size_t value_bytes;
  for (size_t i = 0; headers != nullptr && rd_kafka_header_get_all(headers, i, &name, &value,
                                                                   &value_bytes) == 0;
       i++) {
    const size_t name_bytes = std::strlen(name);
    if (name_bytes > kHeaderNameBytesMax) continue;
    use(name, static_cast<uint16_t>(name_bytes), value,
        static_cast<uint32_t>(value == nullptr ? 0 : value_bytes));
  }
}

uint8_t* Put(uint8_t* at, const void* bytes, size_t count) {
  // memcpy from null is undefined even for nothing.
  if (count > 0) std::memcpy(at, bytes, count);
  return at + count;
}

}  // namespace

struct RecordWriter::Body {
  const rd_kafka_headers_t* headers = nullptr;
  rd_kafka_resp_err_t headers_code = RD_KAFKA_RESP_ERR_NO_ERROR;
  uint32_t header_count = 0;
  uint64_t headers_bytes = 0;
  uint64_t bytes = 0;
  uint32_t frame_bytes = 0;
  uint32_t flags = 0;
  uint64_t offset = kRecordHeaderBytes;

  void Write(const rd_kafka_message_t& record, uint8_t* at) const {
    at = Put(at, record.key, record.key_len);
    ForEachHeader(headers, [&](const char* name, uint16_t name_bytes, const void* value,
                               uint32_t value_bytes) {
      const RecordHeaderValue kind =
          value == nullptr ? RecordHeaderValue::kNull : RecordHeaderValue::kBytes;
      at = Put(at, &name_bytes, sizeof name_bytes);
      at = Put(at, &kind, sizeof kind);
      at = Put(at, &value_bytes, sizeof value_bytes);
      at = Put(at, name, name_bytes);
      at = Put(at, value, value_bytes);
    });
    Put(at, record.payload, record.len);
  }
};

RecordWriter::RecordWriter(Ring ring, Slab large, int main_fd)
    : ring_(ring),
      large_(large),
      main_fd_(main_fd),
      head_(ring.head().load() & ~uint32_t{7}),
      published_(head_),
      tail_seen_(ring.tail().load()) {
  TakeOver();
}

/** Main may release records meanwhile, but changes nothing else of them. */
void RecordWriter::TakeOver() {
  uint32_t frame_bytes;
  for (uint32_t at = tail_seen_; at != head_; at += frame_bytes) {
    frame_bytes = ring_.ToEnd(at);
    if (frame_bytes < kRecordHeaderBytes) continue;
    RecordWords words;
    std::memcpy(&words, ring_.At(at), sizeof words);
    frame_bytes = words.frame_bytes;
    if (frame_bytes < kRecordHeaderBytes || frame_bytes > head_ - at) return;
    if (!(words.flags & kBodyInLarge)) continue;
    const uint64_t key_bytes = words.key_bytes == kNullKey ? 0 : words.key_bytes;
    large_.Take(words.body_offset, key_bytes + words.headers_bytes + words.payload_bytes,
                at + frame_bytes);
  }
}

bool RecordWriter::Fits(const uint8_t* ring, size_t ring_bytes, size_t large_bytes) {
  return Ring::Fits(ring, ring_bytes) && ring_bytes - kRingData >= 2 * kRecordHeaderBytes &&
         large_bytes <= UINT32_MAX;
}

RecordWriter::Body RecordWriter::Measure(const rd_kafka_message_t& record) const {
  Body body;
  rd_kafka_headers_t* headers = nullptr;
  body.headers_code = rd_kafka_message_headers(&record, &headers);
  if (body.headers_code == RD_KAFKA_RESP_ERR_NO_ERROR) body.headers = headers;
  if (body.headers_code == RD_KAFKA_RESP_ERR__NOENT) body.headers_code = RD_KAFKA_RESP_ERR_NO_ERROR;
  ForEachHeader(body.headers, [&](const char*, uint16_t name_bytes, const void*,
                                  uint32_t value_bytes) {
    body.header_count++;
    body.headers_bytes += kHeaderEntryBytes + uint64_t{name_bytes} + value_bytes;
  });
  body.bytes = record.key_len + body.headers_bytes + record.len;
  const bool large = body.bytes > kLargeBodyBytes ||
                     kRecordHeaderBytes + body.bytes > ring_.capacity() / 2;
  if (large) body.flags = body.bytes > large_.capacity() ? kOversize : kBodyInLarge;
  if (record.payload == nullptr) body.flags |= kNoValue;
  body.frame_bytes = large ? kRecordHeaderBytes : Aligned(kRecordHeaderBytes + body.bytes);
  return body;
}

RecordWriter::Placed RecordWriter::Place(const rd_kafka_message_t& record) {
  Body body = Measure(record);
  const Placed no_room{0, RD_KAFKA_RESP_ERR_NO_ERROR};
  if (body.flags & kBodyInLarge) {
    body.offset = large_.Find(body.bytes);
    if (body.offset == LargeRing::kNoRoom) {
      SeeTail();
      body.offset = large_.Find(body.bytes);
      if (body.offset == LargeRing::kNoRoom) return no_room;
    }
  }
  if (!Reserve(body.frame_bytes)) return no_room;
  WriteHeader(record, body);
  if (body.flags & kBodyInLarge) {
    body.Write(record, large_.At(body.offset));
    large_.Take(body.offset, body.bytes, head_ + body.frame_bytes);
  } else if (!(body.flags & kOversize)) {
    body.Write(record, ring_.At(head_) + kRecordHeaderBytes);
  }
  head_ += body.frame_bytes;
  return {std::max(body.bytes, uint64_t{body.frame_bytes}), body.headers_code};
}

void RecordWriter::WriteHeader(const rd_kafka_message_t& record, const Body& body) {
  const bool has_body = !(body.flags & kOversize);
  RecordWords words{};
  words.frame_bytes = body.frame_bytes;
  words.kind = static_cast<uint32_t>(FrameKind::kRecord);
  words.flags = body.flags;
  words.partition = record.partition;
  words.offset = record.offset;
  words.timestamp_ms = rd_kafka_message_timestamp(&record, nullptr);
  words.key_bytes =
      has_body && record.key != nullptr ? static_cast<uint32_t>(record.key_len) : kNullKey;
  words.header_count = has_body ? body.header_count : 0;
  words.headers_bytes = has_body ? static_cast<uint32_t>(body.headers_bytes) : 0;
  words.body_offset = static_cast<uint32_t>(body.offset);
  words.payload_bytes = static_cast<uint32_t>(record.len);
  std::memcpy(ring_.At(head_), &words, sizeof words);
}

uint32_t RecordWriter::Room() const {
  return ring_.capacity() - std::min(head_ - tail_seen_, ring_.capacity());
}

void RecordWriter::SeeTail() {
  tail_seen_ = ring_.tail().load(std::memory_order_seq_cst);
  large_.Free(tail_seen_);
}

bool RecordWriter::Reserve(uint32_t frame_bytes) {
  const uint32_t to_end = ring_.ToEnd(head_);
  const bool wraps = frame_bytes > to_end;
  const uint32_t needed = frame_bytes + (wraps ? to_end : 0);
  if (needed > Room()) SeeTail();
  if (needed > Room()) return false;
  if (!wraps) return true;
  if (to_end >= kRecordHeaderBytes) {
    RecordWords words{};
    words.frame_bytes = to_end;
    words.kind = static_cast<uint32_t>(FrameKind::kSkip);
    std::memcpy(ring_.At(head_), &words, sizeof words);
  }
  head_ += to_end;
  return true;
}

void RecordWriter::Publish() {
  if (head_ == published_) return;
  published_ = head_;
  ring_.head().store(head_, std::memory_order_seq_cst);
  if (ring_.waiting().load(std::memory_order_seq_cst) == 1 &&
      ring_.waiting().exchange(0, std::memory_order_seq_cst) == 1) {
    RingDoorbell(main_fd_);
  }
  // Now and then, so that no region is 2^31 bytes behind head when it is compared with it.
  SeeTail();
}

bool RecordWriter::Block() {
  ring_.blocked().store(1, std::memory_order_seq_cst);
  const uint32_t before = tail_seen_;
  SeeTail();
  if (tail_seen_ == before) return true;
  ring_.blocked().store(0, std::memory_order_seq_cst);
  return false;
}

}  // namespace millrace
