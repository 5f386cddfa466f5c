#include "producer.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "new-client.h"

namespace millrace {
namespace {

constexpr uint32_t kNoExpiryHeader = kHeaderCountMax + 1;
constexpr uint32_t kNone = UINT32_MAX;

void* ToOpaque(uint32_t slot) { return reinterpret_cast<void*>(uintptr_t{slot} + 1); }
uint32_t FromOpaque(void* opaque) {
  return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(opaque) - 1);
}

uint32_t RemainingSeconds(uint64_t deadline_ms, uint64_t now_ms) {
  // Rounded up: what has half a second left has not expired.
  return deadline_ms <= now_ms ? 0 : static_cast<uint32_t>((deadline_ms - now_ms + 999) / 1000);
}

void Put32(std::vector<uint8_t>& out, size_t at, uint32_t value) { std::memcpy(&out[at], &value, 4); }

}  // namespace

std::unique_ptr<Producer> Producer::Open(ConfPtr conf, uint32_t index, int wake_fd, const Slab& slab,
                                         ProducerOwner* owner, std::string* reason) {
  std::unique_ptr<Producer> self(new Producer(index, slab, owner));
  rd_kafka_conf_set_opaque(conf.get(), self.get());
  rd_kafka_conf_set_dr_msg_cb(conf.get(), OnReport);
  rd_kafka_conf_set_error_cb(conf.get(), OnError);
  rd_kafka_conf_set_log_cb(conf.get(), OnLog);
  rd_kafka_conf_set_stats_cb(conf.get(), OnStatistics);
  self->rk_ = NewClient(RD_KAFKA_PRODUCER, std::move(conf), reason);
  if (self->rk_ == nullptr) return nullptr;
  rd_kafka_queue_t* queue = rd_kafka_queue_get_main(self->rk_);
  const uint64_t one = 1;
  rd_kafka_queue_io_event_enable(queue, wake_fd, &one, sizeof one);
  rd_kafka_queue_destroy(queue);
  return self;
}

Producer::~Producer() {
  if (rk_ == nullptr) return;
  rd_kafka_queue_t* queue = rd_kafka_queue_get_main(rk_);
  rd_kafka_queue_io_event_enable(queue, -1, nullptr, 0);
  rd_kafka_queue_destroy(queue);
  rd_kafka_purge(rk_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  for (Topic& topic : topics_) rd_kafka_topic_destroy(topic.handle);
  rd_kafka_destroy(rk_);
}

int32_t Producer::AddTopic(const std::string& name, TopicConfPtr conf, PartitionRule rule,
                           uint32_t instance_id, std::string* reason) {
  auto partition = std::make_unique<PartitionState>();
  partition->rule = rule;
  partition->instance_id = instance_id;
  rd_kafka_topic_conf_set_partitioner_cb(conf.get(), Partition);
  rd_kafka_topic_conf_set_opaque(conf.get(), partition.get());
  rd_kafka_topic_t* handle = rd_kafka_topic_new(rk_, name.c_str(), conf.release());
  if (handle == nullptr) {
    *reason = rd_kafka_err2str(rd_kafka_last_error());
    return -1;
  }
  // A second rd_kafka_topic_new of one name returns the first handle with its configuration, which
  // our caller must never ask for.
  if (rd_kafka_topic_opaque(handle) != partition.get()) {
    rd_kafka_topic_destroy(handle);
    *reason = "the topic is open already, with settings of its own";
    return -1;
  }
  topics_.push_back({handle, std::move(partition)});
  return static_cast<int32_t>(topics_.size() - 1);
}

namespace {

// The next partition that has a leader. Where none has one, as when librdkafka has only just heard of
// the topic, the next of all: otherwise whatever was waiting for the topic would go to one partition.
int32_t NextInTurn(const rd_kafka_topic_t* topic, uint32_t partitions, std::atomic<uint32_t>* next) {
  uint32_t first = next->load(std::memory_order_relaxed);
  for (;;) {
    uint32_t turn = first % partitions;
    for (uint32_t tries = 0; tries < partitions; tries++) {
      const uint32_t candidate = (first + tries) % partitions;
      if (rd_kafka_topic_partition_available(topic, static_cast<int32_t>(candidate)) == 1) {
        turn = candidate;
        break;
      }
    }
    if (next->compare_exchange_weak(first, (turn + 1) % partitions, std::memory_order_relaxed)) {
      return static_cast<int32_t>(turn);
    }
  }
}

}  // namespace

int32_t Producer::Partition(const rd_kafka_topic_t* topic, const void* key, size_t key_bytes,
                            int32_t partitions, void* topic_opaque, void* message_opaque) {
  auto* state = static_cast<PartitionState*>(topic_opaque);
  if (state->rule == PartitionRule::kInstance) {
    return static_cast<int32_t>(state->instance_id % static_cast<uint32_t>(partitions));
  }
  if (key != nullptr) {
    return rd_kafka_msg_partitioner_murmur2(topic, key, key_bytes, partitions, topic_opaque,
                                            message_opaque);
  }
  return NextInTurn(topic, static_cast<uint32_t>(partitions), &state->next);
}

uint32_t Producer::TakeSlot(const Frame& frame, uint64_t sequence, uint64_t now_ms,
                            uint32_t expiry_header) {
  uint32_t index = free_slot_;
  if (index == kNone) {
    index = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    free_slot_ = slots_[index].next_free;
  }
  Slot& slot = slots_[index];
  slot.delivery_id = frame.delivery_id;
  slot.target_id = frame.target_id;
  slot.frame_bytes = frame.bytes;
  slot.flags = frame.flags;
  slot.deadline_ms = frame.deadline_ms;
  slot.produced_ms = now_ms;
  slot.expiry_header = expiry_header;
  slot.sequence = sequence;
  slot.taken = true;
  outstanding_++;
  if (slot.flags & kExpires) expiring_++;
  return index;
}

void Producer::FreeSlot(uint32_t index) {
  Slot& slot = slots_[index];
  slot.taken = false;
  slot.next_free = free_slot_;
  free_slot_ = index;
  outstanding_--;
  if (slot.flags & kExpires) expiring_--;
}

rd_kafka_headers_t* Producer::BuildHeaders(const Frame& frame, uint64_t now_ms,
                                           uint32_t* expiry_header) {
  *expiry_header = kNoExpiryHeader;
  if (frame.header_count == 0) return nullptr;
  rd_kafka_headers_t* headers = rd_kafka_headers_new(frame.header_count);
  uint32_t position = 0;
  for (uint32_t i = 0; i < frame.header_count; i++) {
    FrameHeader header;
    if (!ReadHeader(frame, &position, &header)) {
      rd_kafka_headers_destroy(headers);
      return nullptr;
    }
    const void* value = header.value;
    size_t value_bytes = header.value_bytes;
    char decimal[12];
    if (header.kind == HeaderValue::kRemainingSeconds) {
      *expiry_header = i;
      value_bytes = static_cast<size_t>(std::snprintf(decimal, sizeof decimal, "%u",
                                                      RemainingSeconds(frame.deadline_ms, now_ms)));
      value = decimal;
    }
    rd_kafka_header_add(headers, header.name.data(), static_cast<ssize_t>(header.name.size()), value,
                        static_cast<ssize_t>(value_bytes));
  }
  return headers;
}

rd_kafka_resp_err_t Producer::Produce(const Frame& frame, uint32_t topic, uint64_t sequence,
                                      uint64_t now_ms) {
  uint32_t expiry_header;
  rd_kafka_headers_t* headers = BuildHeaders(frame, now_ms, &expiry_header);
  if (headers == nullptr && frame.header_count > 0) return RD_KAFKA_RESP_ERR__BAD_MSG;
  const uint32_t index = TakeSlot(frame, sequence, now_ms, expiry_header);
  const rd_kafka_resp_err_t code = Send(frame, topics_[topic].handle, headers, ToOpaque(index));
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return code;
  if (headers != nullptr) rd_kafka_headers_destroy(headers);
  FreeSlot(index);
  return code;
}

/** Takes `headers` when it succeeds. An empty payload is not a null one, which is a tombstone. */
rd_kafka_resp_err_t Producer::Send(const Frame& frame, rd_kafka_topic_t* topic,
                                   rd_kafka_headers_t* headers, void* opaque) {
  const int flags = (frame.flags & kPayloadInSlab) ? 0 : RD_KAFKA_MSG_F_COPY;
  auto* payload = const_cast<uint8_t*>(frame.payload);
  if (headers == nullptr) {
    const int refused = rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, flags, payload,
                                         frame.payload_bytes, frame.key, frame.key_bytes, opaque);
    return refused == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_last_error();
  }
  rd_kafka_vu_t arguments[6];
  arguments[0].vtype = RD_KAFKA_VTYPE_RKT;
  arguments[0].u.rkt = topic;
  arguments[1].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  arguments[1].u.i = flags;
  arguments[2].vtype = RD_KAFKA_VTYPE_VALUE;
  arguments[2].u.mem.ptr = payload;
  arguments[2].u.mem.size = frame.payload_bytes;
  arguments[3].vtype = RD_KAFKA_VTYPE_KEY;
  arguments[3].u.mem.ptr = const_cast<uint8_t*>(frame.key);
  arguments[3].u.mem.size = frame.key_bytes;
  arguments[4].vtype = RD_KAFKA_VTYPE_OPAQUE;
  arguments[4].u.ptr = opaque;
  arguments[5].vtype = RD_KAFKA_VTYPE_HEADERS;
  arguments[5].u.headers = headers;
  rd_kafka_error_t* error = rd_kafka_produceva(rk_, arguments, 6);
  if (error == nullptr) return RD_KAFKA_RESP_ERR_NO_ERROR;
  const rd_kafka_resp_err_t code = rd_kafka_error_code(error);
  rd_kafka_error_destroy(error);
  return code;
}

int Producer::Poll() { return rd_kafka_poll(rk_, 0); }

void Producer::Purge(bool in_flight) {
  rd_kafka_purge(rk_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_NON_BLOCKING |
                          (in_flight ? RD_KAFKA_PURGE_F_INFLIGHT : 0));
}

bool Producer::HasStale(uint64_t now_ms, uint32_t age_ms) {
  if (expiring_ == 0) return false;
  return std::any_of(slots_.begin(), slots_.end(), [&](const Slot& slot) {
    return slot.taken && (slot.flags & kExpires) && now_ms - slot.produced_ms > age_ms;
  });
}

uint64_t Producer::OldestMs(uint64_t now_ms) const {
  uint64_t oldest_ms = now_ms;
  if (outstanding_ == 0) return 0;
  for (const Slot& slot : slots_) {
    if (slot.taken) oldest_ms = std::min(oldest_ms, slot.produced_ms);
  }
  return now_ms - oldest_ms;
}

std::vector<uint8_t> Producer::RebuildFrame(const rd_kafka_message_t* message,
                                            const Slot& slot) const {
  std::vector<uint8_t> out(kFrameHeaderBytes);
  if (message->key != nullptr) {
    const auto* key = static_cast<const uint8_t*>(message->key);
    out.insert(out.end(), key, key + message->key_len);
  }
  rd_kafka_headers_t* headers = nullptr;
  uint32_t count = 0;
  const size_t headers_start = out.size();
  if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    const char* name;
    const void* value;
    size_t value_bytes;
    while (rd_kafka_header_get_all(headers, count, &name, &value, &value_bytes) ==
           RD_KAFKA_RESP_ERR_NO_ERROR) {
      const auto name_bytes = static_cast<uint16_t>(std::strlen(name));
      const bool remaining = count == slot.expiry_header;
      const auto kind = static_cast<uint16_t>(remaining ? HeaderValue::kRemainingSeconds
                                                        : HeaderValue::kBytes);
      const uint32_t bytes = remaining ? 0 : static_cast<uint32_t>(value_bytes);
      const size_t at = out.size();
      out.resize(at + kHeaderEntryBytes + name_bytes + bytes);
      std::memcpy(&out[at], &name_bytes, 2);
      std::memcpy(&out[at + 2], &kind, 2);
      std::memcpy(&out[at + 4], &bytes, 4);
      std::memcpy(&out[at + kHeaderEntryBytes], name, name_bytes);
      if (bytes > 0) std::memcpy(&out[at + kHeaderEntryBytes + name_bytes], value, bytes);
      count++;
    }
  }
  const size_t headers_bytes = out.size() - headers_start;
  uint32_t payload_offset = static_cast<uint32_t>(out.size());
  if (slot.flags & kPayloadInSlab) {
    payload_offset =
        static_cast<uint32_t>(static_cast<const uint8_t*>(message->payload) - slab_.start);
  } else if (message->len > 0) {
    const auto* payload = static_cast<const uint8_t*>(message->payload);
    out.insert(out.end(), payload, payload + message->len);
  }
  // As long as it was in the ring, where the payload was aligned: main gives back the credit that it
  // took for that length, and no other.
  out.resize(std::max((out.size() + 7) / 8 * 8, size_t{slot.frame_bytes}));
  Put32(out, 0, static_cast<uint32_t>(out.size()));
  Put32(out, 4, static_cast<uint32_t>(FrameKind::kRecord));
  Put32(out, 8, slot.delivery_id);
  Put32(out, 12, slot.target_id);
  Put32(out, 16, message->key == nullptr ? kNullKey : static_cast<uint32_t>(message->key_len));
  Put32(out, 20, count);
  Put32(out, 24, static_cast<uint32_t>(headers_bytes));
  Put32(out, 28, payload_offset);
  Put32(out, 32, static_cast<uint32_t>(message->len));
  Put32(out, 36, slot.flags);
  std::memcpy(&out[40], &slot.deadline_ms, 8);
  return out;
}

void Producer::OnReport(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  auto* self = static_cast<Producer*>(opaque);
  const uint32_t index = FromOpaque(message->_private);
  const Slot slot = self->slots_[index];
  self->FreeSlot(index);
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    self->owner_->OnDelivered(self->index_, slot);
    return;
  }
  Failure failure;
  failure.frame = self->RebuildFrame(message, slot);
  failure.sequence = slot.sequence;
  failure.target_id = slot.target_id;
  failure.code = message->err;
  failure.status = rd_kafka_message_status(message);
  failure.producer = self->index_;
  self->owner_->OnFailed(std::move(failure), slot);
}

void Producer::OnError(rd_kafka_t* rk, int code, const char* reason, void* opaque) {
  auto* self = static_cast<Producer*>(opaque);
  Event event{Event::Kind::kError, self->index_, code, false, reason};
  if (code == RD_KAFKA_RESP_ERR__FATAL) {
    char text[512];
    event.code = rd_kafka_fatal_error(rk, text, sizeof text);
    event.text = text;
    event.fatal = true;
  }
  self->owner_->OnEvent(std::move(event));
}

void Producer::OnLog(const rd_kafka_t* rk, int level, const char* facility, const char* text) {
  // What rd_kafka_new has to say comes before the handle is anybody's, or without one.
  if (rk == nullptr) return;
  auto* self = static_cast<Producer*>(rd_kafka_opaque(rk));
  if (self == nullptr || self->rk_ == nullptr) return;
  self->owner_->OnEvent(
      {Event::Kind::kLog, self->index_, level, false, std::string(facility) + ": " + text});
}

int Producer::OnStatistics(rd_kafka_t*, char* json, size_t json_len, void* opaque) {
  auto* self = static_cast<Producer*>(opaque);
  self->owner_->OnEvent(
      {Event::Kind::kStatistics, self->index_, 0, false, std::string(json, json_len)});
  return 0;
}

}  // namespace millrace
