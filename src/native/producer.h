#pragma once
/* Producer: one librdkafka producer handle, its topics, and a slot for each record that it has not
 * reported on. Lives on its worker's thread; librdkafka's own threads touch only the partitioner.
 *
 * 1. A slot is taken before rd_kafka_produceva and given back by exactly one delivery report.
 * 2. The payload of a record whose slot is taken stays readable: it is librdkafka's own copy, or it
 *    lies in the slab, which main does not reuse before the record is settled.
 * 3. The destructor purges and destroys the handle, which joins librdkafka's threads: after it,
 *    nothing reads the slab or rings the doorbell.
 */
#include <librdkafka/rdkafka.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "conf-ptr.h"
#include "frame.h"

namespace millrace {

enum class PartitionRule : uint32_t { kRoundRobin = 0, kKeyed = 1, kInstance = 2 };

/** How records of one topic find their partition; read by librdkafka's threads too. */
struct PartitionState {
  PartitionRule rule = PartitionRule::kRoundRobin;
  uint32_t instance_id = 0;
  std::atomic<uint32_t> next{0};
};

/** What is known of a record between its frame and its delivery report. */
struct Slot {
  uint32_t delivery_id;
  uint32_t target_id;
  uint32_t frame_bytes;
  uint32_t flags;
  uint64_t deadline_ms;
  uint64_t produced_ms;
  // Where among the headers the remaining seconds stand; kHeaderCountMax + 1 when nowhere.
  uint32_t expiry_header;
  uint64_t sequence;
  uint32_t next_free;
  bool taken;
};

/** A record that librdkafka gave up on, as a frame again. */
struct Failure {
  std::vector<uint8_t> frame;
  uint64_t sequence;
  uint32_t target_id;
  int32_t code;  // rd_kafka_resp_err_t
  int32_t status;  // rd_kafka_msg_status_t
  uint32_t producer;
};

struct Event {
  enum class Kind : uint32_t { kLog = 0, kError = 1, kStatistics = 2 };
  Kind kind;
  uint32_t producer;
  int32_t code;  // log: syslog level; error: rd_kafka_resp_err_t
  bool fatal;
  std::string text;
};

/** Who is told of delivery reports and events; called on the worker's thread from Poll. */
class ProducerOwner {
 public:
  virtual void OnDelivered(uint32_t producer, const Slot& slot) = 0;
  virtual void OnFailed(Failure&& failure, const Slot& slot) = 0;
  virtual void OnEvent(Event&& event) = 0;

 protected:
  ~ProducerOwner() = default;
};

class Producer {
 public:
  /** nullptr, with `*reason` set, when librdkafka refuses the configuration. */
  static std::unique_ptr<Producer> Open(ConfPtr conf, uint32_t index, int wake_fd, const Slab& slab,
                                        ProducerOwner* owner, std::string* reason);
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  /** Index of the topic; -1, with `*reason` set, when librdkafka refuses it. */
  int32_t AddTopic(const std::string& name, TopicConfPtr conf, PartitionRule rule,
                   uint32_t instance_id, std::string* reason);

  /** Hands a sound record frame to librdkafka. `now_ms` is CLOCK_MONOTONIC. */
  rd_kafka_resp_err_t Produce(const Frame& frame, uint32_t topic, uint64_t sequence, uint64_t now_ms);

  /** Serves delivery reports and events; returns how many. */
  int Poll();
  void Purge(bool in_flight);
  size_t outstanding() const { return outstanding_; }
  /** Whether a record that can expire has been here for longer than `age_ms`. */
  bool HasStale(uint64_t now_ms, uint32_t age_ms);
  // For how long the oldest record has been here without a delivery report; 0 without any.
  uint64_t OldestMs(uint64_t now_ms) const;
  rd_kafka_t* handle() const { return rk_; }

 private:
  Producer(uint32_t index, const Slab& slab, ProducerOwner* owner)
      : index_(index), slab_(slab), owner_(owner) {}
  static void OnReport(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque);
  static void OnError(rd_kafka_t* rk, int code, const char* reason, void* opaque);
  static void OnLog(const rd_kafka_t* rk, int level, const char* facility, const char* text);
  static int OnStatistics(rd_kafka_t*, char* json, size_t json_len, void* opaque);
  static int32_t Partition(const rd_kafka_topic_t* topic, const void* key, size_t key_bytes,
                           int32_t partitions, void* topic_opaque, void* message_opaque);
  uint32_t TakeSlot(const Frame& frame, uint64_t sequence, uint64_t now_ms, uint32_t expiry_header);
  void FreeSlot(uint32_t index);
  rd_kafka_resp_err_t Send(const Frame& frame, rd_kafka_topic_t* topic, rd_kafka_headers_t* headers,
                           void* opaque);
  std::vector<uint8_t> RebuildFrame(const rd_kafka_message_t* message, const Slot& slot) const;
  rd_kafka_headers_t* BuildHeaders(const Frame& frame, uint64_t now_ms, uint32_t* expiry_header);

  struct Topic {
    rd_kafka_topic_t* handle;
    std::unique_ptr<PartitionState> partition;
  };
  rd_kafka_t* rk_ = nullptr;
  const uint32_t index_;
  const Slab slab_;
  ProducerOwner* const owner_;
  std::vector<Topic> topics_;
  std::vector<Slot> slots_;
  uint32_t free_slot_ = UINT32_MAX;
  size_t outstanding_ = 0;
  size_t expiring_ = 0;
};

}  // namespace millrace
