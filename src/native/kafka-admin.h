#pragma once
/* KafkaAdmin: one librdkafka client that asks Kafka what is there and what we may do with it, and changes
 * nothing: no question of it makes a topic (librdkafka's admin requests never allow that). Lives on its
 * thread, where all of librdkafka's callbacks are called too, from Serve; for single questions, not for
 * the data path.
 *
 * 1. Every question is answered once: by Kafka, or at its timeout by librdkafka.
 * 2. What answers hold is checked where it is copied: librdkafka leaves gaps where a server left some out.
 * 3. Which brokers there are is told by statistics: rd_kafka_DescribeCluster copies a cluster id that is
 *    not there (2.12), and the process ends, where a server sends none.
 * 4. The destructor joins librdkafka's threads: after it, nothing rings the doorbell. Questions that are
 *    open then stay unanswered.
 */
#include <librdkafka/rdkafka.h>

#include <memory>
#include <string>
#include <vector>

#include "conf-ptr.h"

namespace millrace {

/** What can be asked; the same numbers as in src/kafka/addon.ts. */
enum class AdminQuestion : uint32_t { kTopics = 0, kTopicLimits = 1, kGroups = 2 };

/** One thing of an answer; which fields are set depends on the question. */
struct AdminItem {
  std::string name = {};      // topic or group
  int32_t code = 0;           // rd_kafka_resp_err_t, of this thing alone
  int32_t partitions = 0;     // topic
  int64_t operations = -1;    // bits by rd_kafka_AclOperation_t; -1: not told
  std::string value = {};     // topic limits: max.message.bytes, empty where not told
};

struct AdminAnswer {
  uint32_t token;
  int32_t code;  // rd_kafka_resp_err_t, of the question as a whole
  std::vector<AdminItem> items;
};

struct AdminEvent {
  enum class Kind : uint32_t { kLog = 0, kError = 1, kStatistics = 2 };
  Kind kind;
  int32_t code;  // log: syslog level; error: rd_kafka_resp_err_t
  std::string text;
};

class KafkaAdmin {
 public:
  /** nullptr, with `*reason` set, when librdkafka refuses the configuration. */
  static std::unique_ptr<KafkaAdmin> Open(ConfPtr conf, int wake_fd, std::string* reason);
  ~KafkaAdmin();
  KafkaAdmin(const KafkaAdmin&) = delete;
  KafkaAdmin& operator=(const KafkaAdmin&) = delete;

  /** `names` are those of topics or groups, each once, at least one. */
  void Ask(AdminQuestion question, const std::vector<std::string>& names, int timeout_ms,
           uint32_t token);
  /** Takes what has come since. */
  void Serve();
  /** How many questions have no answer yet. */
  size_t open() const { return open_; }
  rd_kafka_t* handle() const { return rk_; }
  std::vector<AdminEvent> TakeEvents() { return std::move(events_); }
  std::vector<AdminAnswer> TakeAnswers() { return std::move(answers_); }

 private:
  KafkaAdmin() = default;
  static void OnError(rd_kafka_t* rk, int code, const char* reason, void* opaque);
  static void OnLog(const rd_kafka_t* rk, int level, const char* facility, const char* text);
  static int OnStatistics(rd_kafka_t*, char* json, size_t json_len, void* opaque);
  void Emit(AdminEvent&& event);

  rd_kafka_t* rk_ = nullptr;
  rd_kafka_queue_t* events_queue_ = nullptr;
  rd_kafka_queue_t* answers_queue_ = nullptr;
  std::vector<AdminEvent> events_;
  std::vector<AdminAnswer> answers_;
  size_t open_ = 0;
};

}  // namespace millrace
