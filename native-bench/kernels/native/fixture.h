#pragma once
/* What the kernels work on: frames as main writes them, rings, and a mock cluster within the process. */
#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "conf-ptr.h"
#include "frame.h"
#include "ring.h"

namespace millrace {

constexpr uint32_t kPayloadBytes = 200;

[[noreturn]] inline void Die(const char* what) {
  std::fprintf(stderr, "kernels: %s\n", what);
  std::exit(1);
}

inline void Set(rd_kafka_conf_t* conf, const char* name, const char* value) {
  char reason[256];
  if (rd_kafka_conf_set(conf, name, value, reason, sizeof reason) != RD_KAFKA_CONF_OK) Die(reason);
}

/** The frame of a record with a key of 16 bytes; src/channel/frame.ts has the layout. */
inline std::vector<uint8_t> RecordFrame(uint32_t delivery_id, uint32_t headers) {
  std::vector<uint8_t> out(kFrameHeaderBytes);
  const auto text = [&out](const std::string& value) { out.insert(out.end(), value.begin(), value.end()); };
  const auto put = [&out](size_t word, uint32_t value) { std::memcpy(&out[word * 4], &value, 4); };
  char key[17];
  std::snprintf(key, sizeof key, "key-%012u", delivery_id);
  text(key);
  const size_t headers_start = out.size();
  for (uint32_t i = 0; i < headers; i++) {
    const std::string name = "property-" + std::to_string(i);
    const std::string value = "value-" + std::to_string(i);
    const size_t at = out.size();
    out.resize(at + kHeaderEntryBytes);
    out[at] = static_cast<uint8_t>(name.size());
    out[at + 4] = static_cast<uint8_t>(value.size());
    text(name + value);
  }
  const size_t headers_bytes = out.size() - headers_start;
  out.resize((out.size() + 7) / 8 * 8);
  const size_t payload_offset = out.size();
  out.resize((payload_offset + kPayloadBytes + 7) / 8 * 8, 'r');
  put(0, static_cast<uint32_t>(out.size()));
  put(1, static_cast<uint32_t>(FrameKind::kRecord));
  put(2, delivery_id);
  put(4, 16);
  put(5, headers);
  put(6, static_cast<uint32_t>(headers_bytes));
  put(7, static_cast<uint32_t>(payload_offset));
  put(8, kPayloadBytes);
  return out;
}

/** A ring in memory of its own. */
class OwnRing {
 public:
  explicit OwnRing(size_t capacity) : memory_((kRingData + capacity) / 8) {}
  Ring ring() { return Ring(reinterpret_cast<uint8_t*>(memory_.data()), memory_.size() * 8); }

 private:
  std::vector<uint64_t> memory_;
};

}  // namespace millrace
