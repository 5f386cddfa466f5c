/* The addon's part of a message's path, without Node: the sources of src/native themselves.
 *   kernels NAME     runs one, between marks that callgrind sees
 */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <map>
#include <memory>

#include "fixture.h"
#include "frame-reader.h"
#include "marks.h"
#include "producer.h"
#include "record-writer.h"
#include "settlements.h"

using namespace millrace;

namespace {

constexpr int kBurst = 100;
constexpr int kCalls = 20;
constexpr int kRounds = 5;
constexpr int kWarmUpRounds = 3;
constexpr size_t kRingBytes = 1 << 20;
constexpr int kPollMs = 10;
constexpr int kQuietMs = 500;

/** Frames are read from the ring where main has written them, a burst at a time. */
Kernel ReadFrames(uint32_t headers) {
  struct State {
    OwnRing memory{kRingBytes};
    Ring ring;
    uint64_t sum = 0;
  };
  auto state = std::make_shared<State>();
  state->ring = state->memory.ring();
  uint32_t end = 0;
  for (int n = 0; n < kBurst; n++) {
    const auto frame = RecordFrame(static_cast<uint32_t>(n), headers);
    std::memcpy(state->ring.At(end), frame.data(), frame.size());
    end += static_cast<uint32_t>(frame.size());
  }
  const auto run = [state, end] {
    uint32_t tail = 0;
    Frame frame;
    FrameHeader header;
    while (ReadNext(state->ring, end, Slab{}, &tail, &frame) == Next::kFrame) {
      uint32_t position = 0;
      for (uint32_t i = 0; i < frame.header_count; i++) {
        if (!ReadHeader(frame, &position, &header)) Die("a header that is not sound");
        state->sum += header.value_bytes;
      }
      state->sum += frame.payload_bytes;
      tail += frame.bytes;
    }
    if (tail != end) Die("frames are missing");
  };
  return {kBurst, [] {}, run};
}

/** Settlements cross to main, which has read everything when the next burst comes. */
Kernel Settle() {
  struct State {
    OwnRing memory{kRingBytes};
    Ring ring;
    Settlements settlements;
  };
  auto state = std::make_shared<State>();
  state->ring = state->memory.ring();
  state->settlements = Settlements(state->ring, -1);
  const auto run = [state] {
    for (uint32_t n = 0; n < kBurst; n++) state->settlements.Push(n, 296, Settlement::kDelivered);
    if (!state->settlements.Publish()) Die("no room for settlements");
    if (state->settlements.due()) state->settlements.Report();
    state->ring.tail().store(state->ring.head().load());
  };
  return {kBurst, [] {}, run};
}

/** A producer on a mock cluster of its own, whose reports become settlements. */
class Delivery : public ProducerOwner {
 public:
  explicit Delivery(uint32_t headers) {
    ConfPtr conf(rd_kafka_conf_new());
    Set(conf.get(), "test.mock.num.brokers", "1");
    Set(conf.get(), "log_level", "3");
    Set(conf.get(), "queue.buffering.max.messages", "1000000");
    std::string reason;
    producer_ = Producer::Open(std::move(conf), 0, -1, Slab{}, this, &reason);
    if (producer_ == nullptr) Die(reason.c_str());
    TopicConfPtr topic(rd_kafka_topic_conf_new());
    if (producer_->AddTopic("kernel", std::move(topic), PartitionRule::kKeyed, 0, &reason) != 0) {
      Die(reason.c_str());
    }
    for (int n = 0; n < kBurst; n++) memory_.push_back(RecordFrame(static_cast<uint32_t>(n), headers));
    for (const auto& frame : memory_) {
      Frame read;
      if (ReadFrame(frame.data(), frame.size(), Slab{}, &read) != nullptr) Die("a frame is not sound");
      frames_.push_back(read);
    }
  }

  void Produce() {
    for (const Frame& frame : frames_) {
      if (producer_->Produce(frame, 0, sequence_++, 1000) != 0) Die("librdkafka refuses a record");
    }
  }

  /** Until every record is reported. */
  void Drain() {
    while (producer_->outstanding() > 0) {
      producer_->Poll();
      WaitMs(kPollMs);
    }
  }

  /** Until no more reports come; librdkafka says how many bundles of them wait, not how many. */
  void WaitForReports() {
    rd_kafka_queue_t* queue = rd_kafka_queue_get_main(producer_->handle());
    size_t before = 0;
    for (int quiet_ms = 0; quiet_ms < kQuietMs; quiet_ms += kPollMs) {
      WaitMs(kPollMs);
      const size_t now = rd_kafka_queue_length(queue);
      if (now != before || now == 0) quiet_ms = 0;
      before = now;
    }
    rd_kafka_queue_destroy(queue);
  }

  void Poll() { producer_->Poll(); }
  size_t outstanding() const { return producer_->outstanding(); }

  void OnDelivered(uint32_t, const Slot& slot) override { settled_ += slot.frame_bytes; }
  void OnFailed(Failure&&, const Slot&) override { Die("a record was not delivered"); }
  void OnEvent(Event&&) override {}

 private:
  static void WaitMs(int ms) {
    const timespec wait{0, ms * 1000000L};
    nanosleep(&wait, nullptr);
  }

  std::unique_ptr<Producer> producer_;
  std::vector<std::vector<uint8_t>> memory_;
  std::vector<Frame> frames_;
  uint64_t sequence_ = 0;
  uint64_t settled_ = 0;
};

/** What the worker's thread pays to hand a record to librdkafka, its headers built and its payload copied. */
Kernel Produce(uint32_t headers) {
  auto delivery = std::make_shared<Delivery>(headers);
  // The topic is known from the first record on.
  delivery->Produce();
  return {kBurst, [delivery] { delivery->Drain(); }, [delivery] { delivery->Produce(); }};
}

/** Delivery reports of a round, which all wait already when it begins. */
Kernel Report() {
  auto delivery = std::make_shared<Delivery>(0);
  delivery->Produce();
  delivery->Drain();
  const auto before = [delivery] {
    if (delivery->outstanding() > 0) Die("a report came late");
    for (int call = 0; call < kCalls; call++) delivery->Produce();
    delivery->WaitForReports();
  };
  return {kBurst, before, [delivery] { delivery->Poll(); }};
}

/** Records that were consumed from a mock cluster. */
class Consumed {
 public:
  explicit Consumed(int headers) : headers_(headers) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    Set(conf, "test.mock.num.brokers", "1");
    Set(conf, "log_level", "3");
    producer_ = Open(RD_KAFKA_PRODUCER, conf);
    conf = rd_kafka_conf_new();
    Set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(rd_kafka_handle_mock_cluster(producer_)));
    Set(conf, "group.id", "kernels");
    consumer_ = Open(RD_KAFKA_CONSUMER, conf);
    rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, "kernel", 0)->offset = 0;
    if (rd_kafka_assign(consumer_, list) != 0) Die("no partition is assigned");
    rd_kafka_topic_partition_list_destroy(list);
  }

  /** Fetches so many records, and forgets those before. */
  void Fetch(size_t count) {
    for (rd_kafka_message_t* record : records_) rd_kafka_message_destroy(record);
    records_.clear();
    for (size_t n = 0; n < count; n++) Produce(n);
    if (rd_kafka_flush(producer_, 60000) != 0) Die("the mock cluster takes no records");
    while (records_.size() < count) {
      rd_kafka_message_t* record = rd_kafka_consumer_poll(consumer_, 1000);
      if (record == nullptr) continue;
      if (record->err != 0) Die(rd_kafka_message_errstr(record));
      records_.push_back(record);
    }
  }

  const rd_kafka_message_t& at(size_t index) const { return *records_[index]; }

 private:
  static rd_kafka_t* Open(rd_kafka_type_t type, rd_kafka_conf_t* conf) {
    char reason[256];
    rd_kafka_t* client = rd_kafka_new(type, conf, reason, sizeof reason);
    if (client == nullptr) Die(reason);
    return client;
  }

  void Produce(size_t n) {
    const std::string key = "device-" + std::to_string(n % kBurst);
    const std::string payload(kPayloadBytes, 'r');
    rd_kafka_headers_t* list = rd_kafka_headers_new(static_cast<size_t>(headers_));
    for (int h = 0; h < headers_; h++) {
      const std::string name = "header-" + std::to_string(h);
      const std::string value = "value-" + std::to_string(h);
      rd_kafka_header_add(list, name.c_str(), -1, value.data(), static_cast<ssize_t>(value.size()));
    }
    const rd_kafka_resp_err_t code = rd_kafka_producev(
        producer_, RD_KAFKA_V_TOPIC("kernel"), RD_KAFKA_V_PARTITION(0),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_VALUE(const_cast<char*>(payload.data()), payload.size()),
        RD_KAFKA_V_KEY(key.data(), key.size()), RD_KAFKA_V_HEADERS(list), RD_KAFKA_V_END);
    if (code != 0) Die(rd_kafka_err2str(code));
  }

  const int headers_;
  rd_kafka_t* producer_;
  rd_kafka_t* consumer_;
  std::vector<rd_kafka_message_t*> records_;
};

/** Records of a round are written to main's ring, a burst at a time; each is met for the first time. */
Kernel PlaceRecords(int headers) {
  struct State {
    explicit State(int headers) : consumed(headers) {}
    Consumed consumed;
    OwnRing memory{kRingBytes};
    Ring ring;
    RecordWriter writer;
    size_t next = 0;
  };
  auto state = std::make_shared<State>(headers);
  state->ring = state->memory.ring();
  state->writer = RecordWriter(state->ring, Slab{}, -1);
  const auto before = [state] {
    state->consumed.Fetch(kBurst * kCalls);
    state->next = 0;
  };
  const auto run = [state] {
    for (int n = 0; n < kBurst; n++) {
      if (state->writer.Place(state->consumed.at(state->next++)).bytes == 0) Die("no room for a record");
    }
    state->writer.Publish();
    state->ring.tail().store(state->ring.head().load());
  };
  return {kBurst, before, run};
}

const std::map<std::string, std::function<Kernel()>>& Kernels() {
  static const std::map<std::string, std::function<Kernel()>> kernels = {
      {"native/frame-read", [] { return ReadFrames(0); }},
      {"native/frame-read-4-headers", [] { return ReadFrames(4); }},
      {"native/produce", [] { return Produce(0); }},
      {"native/produce-4-headers", [] { return Produce(4); }},
      {"native/report", [] { return Report(); }},
      {"native/settlements", [] { return Settle(); }},
      {"native/record", [] { return PlaceRecords(0); }},
      {"native/record-4-headers", [] { return PlaceRecords(4); }},
  };
  return kernels;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) Die("kernels NAME");
  const auto found = Kernels().find(argv[1]);
  if (found == Kernels().end()) Die("no such kernel");
  RunMarked(found->second(), kWarmUpRounds, kRounds, kCalls);
  // Without the destructors, which would wait for librdkafka's threads.
  std::fflush(nullptr);
  std::_Exit(0);
}
