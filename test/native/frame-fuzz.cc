/* Frames that lie, under AddressSanitizer: what the addon reads of shared memory and hands to librdkafka
 * stays within its memory, and each record that was taken is reported once. The test beside this
 * file builds it and runs it as: frame-fuzz SEED ROUNDS.
 */
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "frame-reader.h"
#include "producer.h"

using namespace millrace;

namespace {

using Bytes = std::vector<uint8_t>;

std::mt19937 random_source;

uint32_t Below(uint32_t bound) { return static_cast<uint32_t>(random_source() % bound); }
bool Chance(uint32_t percent) { return Below(100) < percent; }

void Die(const char* what) {
  std::fprintf(stderr, "frame-fuzz: %s\n", what);
  std::exit(1);
}

void Put(Bytes& bytes, size_t word, uint32_t value) { std::memcpy(&bytes[word * 4], &value, 4); }

uint32_t OddNumber() {
  static const uint32_t kOdd[] = {0,          1,          7,          8,          47,        48,
                                  49,         56,         64,         255,        65535,     65536,
                                  0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff, 8u << 20,  (8u << 20) + 8};
  return Chance(60) ? kOdd[Below(sizeof kOdd / sizeof *kOdd)] : static_cast<uint32_t>(random_source());
}

/** A sound record frame. */
Bytes SoundFrame(const Slab& slab) {
  Bytes out(kFrameHeaderBytes);
  const bool has_key = Chance(60);
  const uint32_t key_bytes = has_key ? Below(40) : 0;
  out.insert(out.end(), key_bytes, 'k');
  const uint32_t headers_at = static_cast<uint32_t>(out.size());
  const uint32_t headers = Below(5);
  for (uint32_t i = 0; i < headers; i++) {
    const uint16_t kind = Chance(20) ? 1 : 0;
    const uint16_t name_bytes = static_cast<uint16_t>(Below(20));
    const uint32_t value_bytes = Below(50);
    const size_t at = out.size();
    out.resize(at + kHeaderEntryBytes + name_bytes + value_bytes, 'h');
    std::memcpy(&out[at], &name_bytes, 2);
    std::memcpy(&out[at + 2], &kind, 2);
    std::memcpy(&out[at + 4], &value_bytes, 4);
  }
  const uint32_t headers_bytes = static_cast<uint32_t>(out.size()) - headers_at;
  const bool in_slab = Chance(25);
  uint32_t payload_bytes = Below(300);
  uint32_t payload_at = static_cast<uint32_t>(out.size()) + Below(8);
  if (in_slab) {
    payload_bytes = Below(static_cast<uint32_t>(slab.bytes));
    payload_at = Below(static_cast<uint32_t>(slab.bytes) - payload_bytes + 1);
  } else {
    out.resize(payload_at + payload_bytes, 'p');
  }
  out.resize((out.size() + 7) / 8 * 8);
  Put(out, 0, static_cast<uint32_t>(out.size()));
  Put(out, 1, Chance(90) ? 1 : 2 + Below(2));
  Put(out, 2, static_cast<uint32_t>(random_source()));
  Put(out, 3, 0);
  Put(out, 4, has_key ? key_bytes : kNullKey);
  Put(out, 5, headers);
  Put(out, 6, headers_bytes);
  Put(out, 7, payload_at);
  Put(out, 8, payload_bytes);
  Put(out, 9, (in_slab ? kPayloadInSlab : 0u) | (Chance(20) ? kExpires : 0u) | Below(100) << 16);
  Put(out, 10, static_cast<uint32_t>(random_source()));
  Put(out, 11, Below(3));
  return out;
}

void Spoil(Bytes& frame) {
  for (uint32_t times = Below(3); times > 0; times--) {
    if (Chance(70)) Put(frame, Below(12), OddNumber());
    else frame[Below(static_cast<uint32_t>(frame.size()))] = static_cast<uint8_t>(random_source());
  }
}

/** Reads all that a frame claims to have; the sum keeps the compiler from leaving it out. */
uint64_t Touch(const Frame& frame) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < frame.key_bytes; i++) sum += frame.key[i];
  for (uint32_t i = 0; i < frame.headers_bytes; i++) sum += frame.headers[i];
  for (uint32_t i = 0; i < frame.payload_bytes; i++) sum += frame.payload[i];
  uint32_t position = 0;
  FrameHeader header;
  for (uint32_t i = 0; i < frame.header_count && ReadHeader(frame, &position, &header); i++) {
    for (char c : header.name) sum += static_cast<uint8_t>(c);
    for (uint32_t j = 0; j < header.value_bytes; j++) sum += header.value[j];
  }
  return sum;
}

/** Counts reports, and holds each frame that comes back against the reader. */
class Owner : public ProducerOwner {
 public:
  explicit Owner(const Slab& slab) : slab_(slab) {}
  void OnDelivered(uint32_t, const Slot&) override { reported++; }
  void OnFailed(Failure&& failure, const Slot& slot) override {
    reported++;
    Frame frame;
    // A copy of exactly its size, so that a read past its end is seen.
    const Bytes copy(failure.frame.begin(), failure.frame.end());
    if (ReadFrame(copy.data(), copy.size(), slab_, &frame) != nullptr) Die("a frame came back broken");
    if (frame.delivery_id != slot.delivery_id) Die("a frame came back as another");
    touched += Touch(frame);
  }
  void OnEvent(Event&&) override {}
  uint64_t reported = 0;
  uint64_t touched = 0;

 private:
  const Slab& slab_;
};

/** What a ring of any content gives out; no more than it can hold. */
uint64_t DrainRing(Ring& ring, const Slab& slab) {
  uint64_t sum = 0;
  uint32_t tail = ring.tail().load();
  const uint32_t head = ring.head().load();
  Frame frame;
  for (uint32_t count = 0;; count++) {
    if (count > ring.capacity() / 8) Die("a ring gives out more than it holds");
    if (ReadNext(ring, head, slab, &tail, &frame) != Next::kFrame) return sum;
    sum += Touch(frame);
    tail += frame.bytes;
  }
}

uint64_t FuzzRing(const Slab& slab) {
  const uint32_t capacity = 64u << Below(7);
  Bytes memory(kRingData + capacity);
  Ring ring(memory.data(), memory.size());
  uint32_t position = Chance(50) ? 0 : (0u - Below(2 * capacity)) & ~7u;
  ring.tail().store(position);
  for (uint32_t frames = Below(6); frames > 0; frames--) {
    Bytes frame = SoundFrame(slab);
    Spoil(frame);
    for (size_t i = 0; i < frame.size(); i++) *ring.At(position + static_cast<uint32_t>(i)) = frame[i];
    position += static_cast<uint32_t>(frame.size());
  }
  ring.head().store(position);
  if (Chance(30)) ring.head().store(OddNumber());
  if (Chance(30)) ring.tail().store(OddNumber());
  return DrainRing(ring, slab);
}

std::unique_ptr<Producer> OpenProducer(const Slab& slab, Owner* owner) {
  ConfPtr conf(rd_kafka_conf_new());
  char reason[256];
  rd_kafka_conf_set(conf.get(), "test.mock.num.brokers", "1", reason, sizeof reason);
  rd_kafka_conf_set(conf.get(), "message.max.bytes", "1000", reason, sizeof reason);
  rd_kafka_conf_set(conf.get(), "linger.ms", "0", reason, sizeof reason);
  std::string why;
  auto producer = Producer::Open(std::move(conf), 0, -1, slab, owner, &why);
  if (producer == nullptr) Die(why.c_str());
  const int32_t topic =
      producer->AddTopic("fuzz", TopicConfPtr(rd_kafka_topic_conf_new()), PartitionRule::kKeyed, 0, &why);
  if (topic != 0) Die(why.c_str());
  return producer;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) Die("frame-fuzz SEED ROUNDS");
  random_source.seed(static_cast<uint32_t>(std::strtoul(argv[1], nullptr, 10)));
  const long rounds = std::strtol(argv[2], nullptr, 10);
  const Bytes slab_memory(500, 's');
  const Slab slab{slab_memory.data(), slab_memory.size()};
  Owner owner(slab);
  auto producer = OpenProducer(slab, &owner);
  uint64_t taken = 0, refused = 0, sound = 0, sum = 0;
  for (long round = 0; round < rounds; round++) {
    sum += FuzzRing(slab);
    Bytes bytes = SoundFrame(slab);
    Spoil(bytes);
    // Truncated as well; memory of exactly the size, so that a read past its end is seen.
    const size_t size = Chance(80) ? bytes.size() : Below(static_cast<uint32_t>(bytes.size()) + 1);
    const std::unique_ptr<uint8_t[]> exact(new uint8_t[size]);
    std::memcpy(exact.get(), bytes.data(), size);
    Frame frame;
    if (ReadFrame(exact.get(), size, slab, &frame) != nullptr) {
      refused++;
      continue;
    }
    if (frame.kind != FrameKind::kRecord) continue;
    sound++;
    sum += Touch(frame);
    const uint64_t before = owner.reported;
    if (producer->Produce(frame, 0, static_cast<uint64_t>(round), 1000) == RD_KAFKA_RESP_ERR_NO_ERROR) taken++;
    if (owner.reported != before) Die("a report came outside of Poll");
    if (Chance(2)) producer->Poll();
    if (Chance(1)) producer->Purge(Chance(50));
  }
  producer->Purge(true);
  while (producer->outstanding() > 0) producer->Poll();
  if (owner.reported != taken) Die("not every record was reported once");
  producer->Purge(true);
  producer.reset();
  std::printf("{\"sound\":%llu,\"taken\":%llu,\"refused\":%llu,\"sum\":%llu}\n",
              static_cast<unsigned long long>(sound), static_cast<unsigned long long>(taken),
              static_cast<unsigned long long>(refused), static_cast<unsigned long long>(sum));
  return 0;
}
