#pragma once
/* TakenRecords: what librdkafka has handed over and the record ring has not taken yet, in order. More is
 * fetched only when it is empty, which bounds it to one batch; a batch is bounded in bytes by what
 * librdkafka may queue. Each record keeps the fetch response alive in which it lies.
 */
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <deque>
#include <memory>

namespace millrace {

struct RecordDeleter {
  void operator()(rd_kafka_message_t* record) const { rd_kafka_message_destroy(record); }
};
using RecordPtr = std::unique_ptr<rd_kafka_message_t, RecordDeleter>;

class TakenRecords {
 public:
  bool empty() const { return records_.empty(); }
  const rd_kafka_message_t& front() const { return *records_.front(); }
  void Push(RecordPtr record) { records_.push_back(std::move(record)); }
  void Pop() { records_.pop_front(); }
  void Clear() { records_.clear(); }

  /** Keeps those whose partition passes, in their order. */
  template <typename Passes>
  void Keep(Passes passes) {
    records_.erase(std::remove_if(records_.begin(), records_.end(),
                                  [&](const RecordPtr& record) { return !passes(record->partition); }),
                   records_.end());
  }

 private:
  std::deque<RecordPtr> records_;
};

}  // namespace millrace
