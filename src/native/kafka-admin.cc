#include "kafka-admin.h"

#include "new-client.h"
#include "wake.h"

namespace millrace {
namespace {

constexpr size_t kEventsMax = 1000;
constexpr const char* kLimitProperty = "max.message.bytes";

struct OptionsDeleter {
  void operator()(rd_kafka_AdminOptions_t* options) const { rd_kafka_AdminOptions_destroy(options); }
};
using OptionsPtr = std::unique_ptr<rd_kafka_AdminOptions_t, OptionsDeleter>;

struct EventDeleter {
  void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
};
using EventPtr = std::unique_ptr<rd_kafka_event_t, EventDeleter>;

std::string TextOf(const char* text) { return text == nullptr ? "" : text; }

int32_t CodeOf(const rd_kafka_error_t* error) {
  return error == nullptr ? 0 : rd_kafka_error_code(error);
}

int64_t BitsOf(const rd_kafka_AclOperation_t* operations, size_t count) {
  if (operations == nullptr) return -1;
  int64_t bits = 0;
  for (size_t i = 0; i < count; i++) {
    if (operations[i] >= 0 && operations[i] < RD_KAFKA_ACL_OPERATION__CNT) {
      bits |= int64_t{1} << operations[i];
    }
  }
  return bits;
}

OptionsPtr OptionsFor(rd_kafka_t* rk, AdminQuestion question, int timeout_ms, uint32_t token) {
  char refused[256];
  OptionsPtr options(rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_ANY));
  rd_kafka_AdminOptions_set_request_timeout(options.get(), timeout_ms, refused, sizeof refused);
  rd_kafka_AdminOptions_set_opaque(options.get(), reinterpret_cast<void*>(uintptr_t{token}));
  if (question == AdminQuestion::kTopics || question == AdminQuestion::kGroups) {
    rd_kafka_error_t* error =
        rd_kafka_AdminOptions_set_include_authorized_operations(options.get(), 1);
    if (error != nullptr) rd_kafka_error_destroy(error);
  }
  return options;
}

void Add(const rd_kafka_TopicDescription_t* topic, std::vector<AdminItem>* out) {
  AdminItem item;
  size_t count = 0;
  item.name = TextOf(rd_kafka_TopicDescription_name(topic));
  item.code = CodeOf(rd_kafka_TopicDescription_error(topic));
  const auto* operations = rd_kafka_TopicDescription_authorized_operations(topic, &count);
  item.operations = BitsOf(operations, count);
  count = 0;
  rd_kafka_TopicDescription_partitions(topic, &count);
  item.partitions = static_cast<int32_t>(count);
  out->push_back(std::move(item));
}

void Add(const rd_kafka_ConsumerGroupDescription_t* group, std::vector<AdminItem>* out) {
  AdminItem item;
  size_t count = 0;
  item.name = TextOf(rd_kafka_ConsumerGroupDescription_group_id(group));
  item.code = CodeOf(rd_kafka_ConsumerGroupDescription_error(group));
  const auto* operations = rd_kafka_ConsumerGroupDescription_authorized_operations(group, &count);
  item.operations = BitsOf(operations, count);
  out->push_back(std::move(item));
}

void Add(const rd_kafka_ConfigResource_t* topic, std::vector<AdminItem>* out) {
  AdminItem item;
  item.name = TextOf(rd_kafka_ConfigResource_name(topic));
  item.code = rd_kafka_ConfigResource_error(topic);
  size_t count = 0;
  const rd_kafka_ConfigEntry_t** entries = rd_kafka_ConfigResource_configs(topic, &count);
  for (size_t i = 0; entries != nullptr && i < count; i++) {
    if (entries[i] == nullptr) continue;
    if (TextOf(rd_kafka_ConfigEntry_name(entries[i])) == kLimitProperty) {
      item.value = TextOf(rd_kafka_ConfigEntry_value(entries[i]));
    }
  }
  out->push_back(std::move(item));
}

template <typename Each>
void AddAll(const Each** all, size_t count, std::vector<AdminItem>* out) {
  for (size_t i = 0; all != nullptr && i < count; i++) {
    // What the server left out of its answer is a gap.
    if (all[i] != nullptr) Add(all[i], out);
  }
}

std::vector<AdminItem> ItemsOf(rd_kafka_event_t* event) {
  std::vector<AdminItem> items;
  // Of a failed question librdkafka has no result to be read.
  if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) return items;
  size_t count = 0;
  if (const auto* topics = rd_kafka_event_DescribeTopics_result(event)) {
    const auto** all = rd_kafka_DescribeTopics_result_topics(topics, &count);
    AddAll(all, count, &items);
  } else if (const auto* configs = rd_kafka_event_DescribeConfigs_result(event)) {
    const auto** all = rd_kafka_DescribeConfigs_result_resources(configs, &count);
    AddAll(all, count, &items);
  } else if (const auto* groups = rd_kafka_event_DescribeConsumerGroups_result(event)) {
    const auto** all = rd_kafka_DescribeConsumerGroups_result_groups(groups, &count);
    AddAll(all, count, &items);
  }
  return items;
}

}  // namespace

std::unique_ptr<KafkaAdmin> KafkaAdmin::Open(ConfPtr conf, int wake_fd, std::string* reason) {
  std::unique_ptr<KafkaAdmin> self(new KafkaAdmin());
  rd_kafka_conf_set_opaque(conf.get(), self.get());
  rd_kafka_conf_set_error_cb(conf.get(), OnError);
  rd_kafka_conf_set_log_cb(conf.get(), OnLog);
  rd_kafka_conf_set_stats_cb(conf.get(), OnStatistics);
  self->rk_ = NewClient(RD_KAFKA_PRODUCER, std::move(conf), reason);
  if (self->rk_ == nullptr) return nullptr;
  const uint64_t one = 1;
  self->events_queue_ = rd_kafka_queue_get_main(self->rk_);
  self->answers_queue_ = rd_kafka_queue_new(self->rk_);
  rd_kafka_queue_io_event_enable(self->events_queue_, wake_fd, &one, sizeof one);
  rd_kafka_queue_io_event_enable(self->answers_queue_, wake_fd, &one, sizeof one);
  // It may have had something to say already, and rings only for what comes into an empty queue.
  RingDoorbell(wake_fd);
  return self;
}

KafkaAdmin::~KafkaAdmin() {
  if (rk_ == nullptr) return;
  for (rd_kafka_queue_t* queue : {events_queue_, answers_queue_}) {
    rd_kafka_queue_io_event_enable(queue, -1, nullptr, 0);
    rd_kafka_queue_destroy(queue);
  }
  rd_kafka_destroy(rk_);
}

void KafkaAdmin::Ask(AdminQuestion question, const std::vector<std::string>& names, int timeout_ms,
                     uint32_t token) {
  const OptionsPtr options = OptionsFor(rk_, question, timeout_ms, token);
  std::vector<const char*> each;
  for (const std::string& name : names) each.push_back(name.c_str());
  open_++;
  switch (question) {
    case AdminQuestion::kTopics: {
      auto* topics = rd_kafka_TopicCollection_of_topic_names(each.data(), each.size());
      rd_kafka_DescribeTopics(rk_, topics, options.get(), answers_queue_);
      rd_kafka_TopicCollection_destroy(topics);
      break;
    }
    case AdminQuestion::kTopicLimits: {
      std::vector<rd_kafka_ConfigResource_t*> topics;
      for (const char* name : each) {
        topics.push_back(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name));
      }
      rd_kafka_DescribeConfigs(rk_, topics.data(), topics.size(), options.get(), answers_queue_);
      rd_kafka_ConfigResource_destroy_array(topics.data(), topics.size());
      break;
    }
    case AdminQuestion::kGroups:
      rd_kafka_DescribeConsumerGroups(rk_, each.data(), each.size(), options.get(), answers_queue_);
      break;
  }
}

void KafkaAdmin::Serve() {
  rd_kafka_poll(rk_, 0);
  while (EventPtr event{rd_kafka_queue_poll(answers_queue_, 0)}) {
    if (open_ > 0) open_--;
    const auto token = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(rd_kafka_event_opaque(event.get())));
    answers_.push_back({token, rd_kafka_event_error(event.get()), ItemsOf(event.get())});
  }
}

void KafkaAdmin::Emit(AdminEvent&& event) {
  if (events_.size() < kEventsMax) events_.push_back(std::move(event));
}

void KafkaAdmin::OnError(rd_kafka_t*, int code, const char* reason, void* opaque) {
  static_cast<KafkaAdmin*>(opaque)->Emit({AdminEvent::Kind::kError, code, TextOf(reason)});
}

void KafkaAdmin::OnLog(const rd_kafka_t* rk, int level, const char* facility, const char* text) {
  // What rd_kafka_new has to say comes before the handle is anybody's, or without one.
  if (rk == nullptr) return;
  auto* self = static_cast<KafkaAdmin*>(rd_kafka_opaque(rk));
  if (self == nullptr || self->rk_ == nullptr) return;
  self->Emit({AdminEvent::Kind::kLog, level, TextOf(facility) + ": " + TextOf(text)});
}

int KafkaAdmin::OnStatistics(rd_kafka_t*, char* json, size_t json_len, void* opaque) {
  static_cast<KafkaAdmin*>(opaque)->Emit({AdminEvent::Kind::kStatistics, 0, {json, json_len}});
  return 0;
}

}  // namespace millrace
