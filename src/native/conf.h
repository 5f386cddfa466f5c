#pragma once
/* JavaScript objects of strings -> librdkafka configurations. A value that librdkafka refuses becomes
 * an exception that names the property and never the value: it could be a password.
 */
#include <librdkafka/rdkafka.h>
#include <napi.h>

#include <memory>

namespace millrace {

struct ConfDeleter {
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
};
struct TopicConfDeleter {
  void operator()(rd_kafka_topic_conf_t* conf) const { rd_kafka_topic_conf_destroy(conf); }
};
using ConfPtr = std::unique_ptr<rd_kafka_conf_t, ConfDeleter>;
using TopicConfPtr = std::unique_ptr<rd_kafka_topic_conf_t, TopicConfDeleter>;

/** Empty, with a JavaScript exception pending, when a property is refused. */
ConfPtr ReadConf(Napi::Object properties);
TopicConfPtr ReadTopicConf(Napi::Object properties);

}  // namespace millrace
