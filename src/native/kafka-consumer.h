#pragma once
/* KafkaConsumer: one librdkafka consumer handle, member of a group, subscribed to one topic; or one
 * that is alone, in no group, and reads what it is assigned. Lives on its worker's thread, where all of
 * librdkafka's callbacks are called too, from Serve.
 *
 * librdkafka puts rebalances, errors, statistics and commits into the consumer queue, and records by
 * default too; a rebalance would wait behind all records that were fetched before it, for as long as
 * the record ring is full. So records have a queue of their own: each partition's queue is forwarded
 * to it before the partition is assigned, and librdkafka leaves a queue alone that the application has
 * forwarded (RD_KAFKA_Q_F_FWD_APP, rd_kafka_toppar_op_fetch_start). The consumer queue is served in
 * every turn, which also counts as a poll for max.poll.interval.ms; the record queue only while there
 * is room. queued.max.messages.kbytes bounds the record queue as a whole: a forwarded queue's size is
 * that of the queue it is forwarded to (rd_kafka_q_size).
 *
 * 1. A record is handed out only while its partition flows: from Assign to Drop or Unassign.
 * 2. A rebalance is answered by Assign or Unassign, some time after its callback: librdkafka waits for
 *    it in a state of its own, and rd_kafka_incremental_assign may be called from anywhere.
 * 3. The destructor ends the handle without leaving the group, which could take as long as Kafka
 *    likes, and joins librdkafka's threads: after it, nothing rings the doorbell. The group notices by
 *    session.timeout.ms, or at once by a successor with the same group.instance.id.
 */
#include <librdkafka/rdkafka.h>

#include <memory>
#include <string>
#include <vector>

#include "conf-ptr.h"
#include "consumer-event.h"
#include "taken-records.h"

namespace millrace {

constexpr int32_t kPartitionsMax = 1 << 20;

struct QueueDeleter {
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
};
using QueuePtr = std::unique_ptr<rd_kafka_queue_t, QueueDeleter>;

struct PartitionListDeleter {
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
};
using PartitionListPtr = std::unique_ptr<rd_kafka_topic_partition_list_t, PartitionListDeleter>;

class KafkaConsumer {
 public:
  /** nullptr, with `*reason` set, when librdkafka refuses the configuration or the topic. A consumer
   * that is alone joins no group: its partitions are those of Assign, at any time. */
  static std::unique_ptr<KafkaConsumer> Open(ConfPtr conf, const std::string& topic, int wake_fd,
                                             bool alone, std::string* reason);
  ~KafkaConsumer();
  KafkaConsumer(const KafkaConsumer&) = delete;
  KafkaConsumer& operator=(const KafkaConsumer&) = delete;

  /** Serves the consumer queue: what librdkafka calls becomes events. Records are not expected there,
   * and not lost if they come. */
  void Serve(TakenRecords* out);
  /** Takes records as librdkafka has them, one batch at most. True when there may be more. */
  bool Take(TakenRecords* out);
  bool Flows(int32_t partition) const;

  void Assign(const std::vector<PartitionOffset>& partitions);
  void Unassign(const std::vector<int32_t>& partitions);
  void Drop(const std::vector<int32_t>& partitions);
  void Commit(const std::vector<PartitionOffset>& offsets, uint32_t token);
  void SetPaused(bool paused);
  void Close();

  void Emit(ConsumerEvent&& event);
  bool has_events() const { return !events_.empty(); }
  rd_kafka_t* handle() const { return rk_; }
  bool closing() const { return closing_; }
  std::vector<ConsumerEvent> TakeEvents() { return std::move(events_); }

 private:
  KafkaConsumer(std::string topic) : topic_(std::move(topic)) {}
  static void OnRebalance(rd_kafka_t* rk, rd_kafka_resp_err_t code,
                          rd_kafka_topic_partition_list_t* partitions, void* opaque);
  static void OnCommit(rd_kafka_t* rk, rd_kafka_resp_err_t code,
                       rd_kafka_topic_partition_list_t* offsets, void* token);
  static void OnError(rd_kafka_t* rk, int code, const char* reason, void* opaque);
  static void OnLog(const rd_kafka_t* rk, int level, const char* facility, const char* text);
  static int OnStatistics(rd_kafka_t*, char* json, size_t json_len, void* opaque);
  bool Subscribe(std::string* reason);
  void OpenQueues(int wake_fd);
  PartitionListPtr ListOf(const std::vector<PartitionOffset>& partitions) const;
  void Sort(rd_kafka_message_t* message, TakenRecords* out);
  void Pause(const PartitionListPtr& list);
  void EmitFailure(rd_kafka_error_t* error, const char* what);
  bool Ended() const { return rd_kafka_consumer_closed(rk_) != 0; }

  const std::string topic_;
  rd_kafka_t* rk_ = nullptr;
  QueuePtr events_queue_;
  QueuePtr records_queue_;
  std::vector<ConsumerEvent> events_;
  // By partition: whether it is assigned, and whether its records are handed out.
  std::vector<bool> assigned_;
  std::vector<bool> flowing_;
  bool paused_ = false;
  bool closing_ = false;
  bool closed_told_ = false;
};

}  // namespace millrace
