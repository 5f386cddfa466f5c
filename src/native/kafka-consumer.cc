#include "kafka-consumer.h"

#include "new-client.h"
#include "wake.h"

namespace millrace {
namespace {

constexpr size_t kBatch = 256;
constexpr size_t kEventsMax = 1000;

void Mark(std::vector<bool>* set, int32_t partition, bool value) {
  const auto index = static_cast<size_t>(partition);
  if (set->size() <= index) set->resize(index + 1);
  (*set)[index] = value;
}

std::vector<PartitionOffset> Copy(const rd_kafka_topic_partition_list_t* list) {
  std::vector<PartitionOffset> out;
  for (int i = 0; list != nullptr && i < list->cnt; i++) {
    out.push_back({list->elems[i].partition, list->elems[i].offset});
  }
  return out;
}

void StopRinging(const QueuePtr& queue) {
  if (queue != nullptr) rd_kafka_queue_io_event_enable(queue.get(), -1, nullptr, 0);
}

}  // namespace

std::unique_ptr<KafkaConsumer> KafkaConsumer::Open(ConfPtr conf, const std::string& topic,
                                                   int wake_fd, bool alone, std::string* reason) {
  std::unique_ptr<KafkaConsumer> self(new KafkaConsumer(topic));
  rd_kafka_conf_set_opaque(conf.get(), self.get());
  rd_kafka_conf_set_rebalance_cb(conf.get(), OnRebalance);
  rd_kafka_conf_set_error_cb(conf.get(), OnError);
  rd_kafka_conf_set_log_cb(conf.get(), OnLog);
  rd_kafka_conf_set_stats_cb(conf.get(), OnStatistics);
  self->rk_ = NewClient(RD_KAFKA_CONSUMER, std::move(conf), reason);
  if (self->rk_ == nullptr) return nullptr;
  if (rd_kafka_poll_set_consumer(self->rk_) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    *reason = "a consumer needs group.id";
    return nullptr;
  }
  self->OpenQueues(wake_fd);
  return alone || self->Subscribe(reason) ? std::move(self) : nullptr;
}

void KafkaConsumer::OpenQueues(int wake_fd) {
  const uint64_t one = 1;
  events_queue_.reset(rd_kafka_queue_get_consumer(rk_));
  records_queue_.reset(rd_kafka_queue_new(rk_));
  rd_kafka_queue_io_event_enable(events_queue_.get(), wake_fd, &one, sizeof one);
  rd_kafka_queue_io_event_enable(records_queue_.get(), wake_fd, &one, sizeof one);
  // librdkafka rings for what comes into an empty queue. It may have had something to say already, such
  // as a warning about a property, and would never ring then.
  RingDoorbell(wake_fd);
}

bool KafkaConsumer::Subscribe(std::string* reason) {
  // librdkafka takes what begins with ^ for a pattern.
  if (topic_.empty() || topic_[0] == '^') {
    *reason = "that is no name of a topic";
    return false;
  }
  PartitionListPtr list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), topic_.c_str(), RD_KAFKA_PARTITION_UA);
  const rd_kafka_resp_err_t code = rd_kafka_subscribe(rk_, list.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) *reason = rd_kafka_err2str(code);
  return code == RD_KAFKA_RESP_ERR_NO_ERROR;
}

KafkaConsumer::~KafkaConsumer() {
  if (rk_ == nullptr) return;
  StopRinging(events_queue_);
  StopRinging(records_queue_);
  records_queue_.reset();
  events_queue_.reset();
  rd_kafka_destroy_flags(rk_, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

void KafkaConsumer::Serve(TakenRecords* out) {
  rd_kafka_message_t* messages[kBatch];
  // The op that ends a close makes librdkafka return early, with ops left that ring no bell any more.
  do {
    const ssize_t count = rd_kafka_consume_batch_queue(events_queue_.get(), 0, messages, kBatch);
    for (ssize_t i = 0; i < count; i++) Sort(messages[i], out);
  } while (rd_kafka_queue_length(events_queue_.get()) > 0);
  if (closing_ && !closed_told_ && Ended()) {
    closed_told_ = true;
    Emit({ConsumerEvent::Kind::kClosed});
  }
}

bool KafkaConsumer::Take(TakenRecords* out) {
  rd_kafka_message_t* messages[kBatch];
  const ssize_t count = rd_kafka_consume_batch_queue(records_queue_.get(), 0, messages, kBatch);
  for (ssize_t i = 0; i < count; i++) Sort(messages[i], out);
  // With fewer, librdkafka has seen its queue empty and rings for the next record.
  return count == static_cast<ssize_t>(kBatch);
}

/** A record goes to `out` while its partition flows; an error becomes an event. */
void KafkaConsumer::Sort(rd_kafka_message_t* message, TakenRecords* out) {
  RecordPtr record(message);
  if (record->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (Flows(record->partition)) out->Push(std::move(record));
    return;
  }
  ConsumerEvent event{ConsumerEvent::Kind::kError, record->err};
  if (record->rkt != nullptr && record->partition >= 0) {
    event.partitions = {{record->partition, record->offset}};
  }
  const char* text = rd_kafka_message_errstr(record.get());
  event.text = text == nullptr ? "" : text;
  Emit(std::move(event));
}

bool KafkaConsumer::Flows(int32_t partition) const {
  const auto index = static_cast<size_t>(partition);
  return partition >= 0 && index < flowing_.size() && flowing_[index];
}

PartitionListPtr KafkaConsumer::ListOf(const std::vector<PartitionOffset>& partitions) const {
  PartitionListPtr list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const PartitionOffset& each : partitions) {
    rd_kafka_topic_partition_list_add(list.get(), topic_.c_str(), each.partition)->offset = each.offset;
  }
  return list;
}

void KafkaConsumer::Assign(const std::vector<PartitionOffset>& partitions) {
  // Once the consumer has ended, nobody serves what is asked of its group any more.
  if (Ended()) return;
  for (const PartitionOffset& each : partitions) {
    QueuePtr queue(rd_kafka_queue_get_partition(rk_, topic_.c_str(), each.partition));
    if (queue != nullptr) rd_kafka_queue_forward(queue.get(), records_queue_.get());
  }
  const PartitionListPtr list = ListOf(partitions);
  rd_kafka_error_t* error = rd_kafka_incremental_assign(rk_, list.get());
  if (error != nullptr) return EmitFailure(error, "assign");
  for (const PartitionOffset& each : partitions) {
    Mark(&assigned_, each.partition, true);
    Mark(&flowing_, each.partition, !closing_);
  }
  if (paused_) Pause(list);
}

void KafkaConsumer::Unassign(const std::vector<int32_t>& partitions) {
  Drop(partitions);
  if (Ended()) return;
  std::vector<PartitionOffset> offsets;
  for (const int32_t partition : partitions) {
    Mark(&assigned_, partition, false);
    offsets.push_back({partition, RD_KAFKA_OFFSET_INVALID});
  }
  rd_kafka_error_t* error = rd_kafka_incremental_unassign(rk_, ListOf(offsets).get());
  if (error != nullptr) return EmitFailure(error, "unassign");
  // That was the last word of a consumer that closes: its group may be done with before anything
  // more is asked of it, and then nobody answers. Nothing is assigned again either.
  if (closing_) return;
  // librdkafka's thread has yet to stop the partitions, when it ends the forwarding of their queues.
  // What is asked of it next is answered after that: were one assigned again before, nothing would
  // forward its queue any more, and its records would stay there.
  rd_kafka_topic_partition_list_t* left = nullptr;
  if (rd_kafka_assignment(rk_, &left) == 0) rd_kafka_topic_partition_list_destroy(left);
}

void KafkaConsumer::Drop(const std::vector<int32_t>& partitions) {
  for (const int32_t partition : partitions) Mark(&flowing_, partition, false);
}

/** Answered by librdkafka's thread through the consumer queue: OnCommit. */
void KafkaConsumer::Commit(const std::vector<PartitionOffset>& offsets, uint32_t token) {
  rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__DESTROY;
  if (!Ended()) {
    code = rd_kafka_commit_queue(rk_, ListOf(offsets).get(), events_queue_.get(), OnCommit,
                                 reinterpret_cast<void*>(uintptr_t{token}));
  }
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return;
  ConsumerEvent event{ConsumerEvent::Kind::kCommit, code};
  event.token = token;
  event.partitions = offsets;
  event.text = rd_kafka_err2name(code);
  Emit(std::move(event));
}

/** What librdkafka has fetched of a paused partition it throws away, and fetches again when resumed. */
void KafkaConsumer::SetPaused(bool paused) {
  paused_ = paused;
  std::vector<PartitionOffset> all;
  for (size_t i = 0; i < assigned_.size(); i++) {
    if (assigned_[i]) all.push_back({static_cast<int32_t>(i), RD_KAFKA_OFFSET_INVALID});
  }
  if (all.empty() || Ended()) return;
  const PartitionListPtr list = ListOf(all);
  if (paused) {
    Pause(list);
  } else {
    rd_kafka_resume_partitions(rk_, list.get());
  }
}

void KafkaConsumer::Pause(const PartitionListPtr& list) {
  if (list->cnt > 0) rd_kafka_pause_partitions(rk_, list.get());
}

void KafkaConsumer::Close() {
  if (closing_) return;
  closing_ = true;
  flowing_.clear();
  rd_kafka_error_t* error = rd_kafka_consumer_close_queue(rk_, events_queue_.get());
  if (error == nullptr) return;
  // After a fatal error librdkafka does not close: the group has thrown us out already.
  closed_told_ = true;
  Emit({ConsumerEvent::Kind::kClosed, rd_kafka_error_code(error)});
  rd_kafka_error_destroy(error);
}

void KafkaConsumer::EmitFailure(rd_kafka_error_t* error, const char* what) {
  ConsumerEvent event{ConsumerEvent::Kind::kError, rd_kafka_error_code(error)};
  event.fatal = rd_kafka_error_is_fatal(error) != 0;
  event.text = std::string(what) + ": " + rd_kafka_error_string(error);
  rd_kafka_error_destroy(error);
  Emit(std::move(event));
}

void KafkaConsumer::Emit(ConsumerEvent&& event) {
  // Lines and figures can be missed; what somebody waits for cannot.
  const bool news = event.kind == ConsumerEvent::Kind::kLog ||
                    event.kind == ConsumerEvent::Kind::kStatistics ||
                    (event.kind == ConsumerEvent::Kind::kError && !event.fatal);
  if (news && events_.size() >= kEventsMax) return;
  events_.push_back(std::move(event));
}

void KafkaConsumer::OnRebalance(rd_kafka_t* rk, rd_kafka_resp_err_t code,
                                rd_kafka_topic_partition_list_t* partitions, void* opaque) {
  auto* self = static_cast<KafkaConsumer*>(opaque);
  ConsumerEvent event{ConsumerEvent::Kind::kError, code};
  event.partitions = Copy(partitions);
  if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    event.kind = ConsumerEvent::Kind::kAssign;
    event.code = 0;
  } else if (code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) {
    event.kind = ConsumerEvent::Kind::kRevoke;
    event.code = rd_kafka_assignment_lost(rk);
  } else {
    event.text = rd_kafka_err2str(code);
    rd_kafka_assign(rk, nullptr);
  }
  self->Emit(std::move(event));
}

void KafkaConsumer::OnCommit(rd_kafka_t* rk, rd_kafka_resp_err_t code,
                             rd_kafka_topic_partition_list_t* offsets, void* token) {
  auto* self = static_cast<KafkaConsumer*>(rd_kafka_opaque(rk));
  ConsumerEvent event{ConsumerEvent::Kind::kCommit, code};
  event.token = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(token));
  event.partitions = Copy(offsets);
  for (int i = 0; offsets != nullptr && i < offsets->cnt; i++) {
    const rd_kafka_topic_partition_t& each = offsets->elems[i];
    if (each.err == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    if (event.code == 0) event.code = each.err;
    if (!event.text.empty()) event.text += ", ";
    event.text += std::to_string(each.partition) + ": " + rd_kafka_err2name(each.err);
  }
  if (event.text.empty() && code != 0) event.text = rd_kafka_err2name(code);
  self->Emit(std::move(event));
}

void KafkaConsumer::OnError(rd_kafka_t* rk, int code, const char* reason, void* opaque) {
  auto* self = static_cast<KafkaConsumer*>(opaque);
  ConsumerEvent event{ConsumerEvent::Kind::kError, code};
  event.text = reason == nullptr ? "" : reason;
  if (code == RD_KAFKA_RESP_ERR__FATAL) {
    char text[512];
    event.code = rd_kafka_fatal_error(rk, text, sizeof text);
    event.text = text;
    event.fatal = true;
  }
  self->Emit(std::move(event));
}

void KafkaConsumer::OnLog(const rd_kafka_t* rk, int level, const char* facility, const char* text) {
  // What rd_kafka_new has to say comes before the handle is anybody's, or without one.
  if (rk == nullptr) return;
  auto* self = static_cast<KafkaConsumer*>(rd_kafka_opaque(rk));
  if (self == nullptr || self->rk_ == nullptr) return;
  ConsumerEvent event{ConsumerEvent::Kind::kLog, level};
  event.text = std::string(facility) + ": " + text;
  self->Emit(std::move(event));
}

int KafkaConsumer::OnStatistics(rd_kafka_t*, char* json, size_t json_len, void* opaque) {
  ConsumerEvent event{ConsumerEvent::Kind::kStatistics};
  event.text.assign(json, json_len);
  static_cast<KafkaConsumer*>(opaque)->Emit(std::move(event));
  return 0;
}

}  // namespace millrace
