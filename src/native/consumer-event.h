#pragma once
/* What happens to a consumer, for JavaScript; the same numbers as in src/kafka/addon.ts. */
#include <cstdint>
#include <string>
#include <vector>

namespace millrace {

struct PartitionOffset {
  int32_t partition;
  int64_t offset;
};

struct ConsumerEvent {
  enum class Kind : uint32_t {
    kLog = 0,
    kError = 1,
    kStatistics = 2,
    kAssign = 3,
    kRevoke = 4,
    kCommit = 5,
    kClosed = 6,
  };
  Kind kind;
  int32_t code = 0;  // log: syslog level; revoke: 1 when lost; else rd_kafka_resp_err_t
  bool fatal = false;
  uint32_t token = 0;  // commit: that of its call
  std::vector<PartitionOffset> partitions = {};
  std::string text = {};
};

}  // namespace millrace
