#pragma once
/* A client of librdkafka, producer or consumer, as all of ours are opened. */
#include <librdkafka/rdkafka.h>

#include <string>

#include "conf-ptr.h"
#include "without-values.h"

namespace millrace {

/** nullptr, with `*reason` set, when librdkafka refuses the configuration. */
inline rd_kafka_t* NewClient(rd_kafka_type_t type, ConfPtr conf, std::string* reason) {
  char refused[256] = "";
  // With log.queue, logs come by poll like all else and no thread of librdkafka calls us.
  if (rd_kafka_conf_set(conf.get(), "log.queue", "true", refused, sizeof refused) != RD_KAFKA_CONF_OK) {
    *reason = refused;
    return nullptr;
  }
  rd_kafka_t* client = rd_kafka_new(type, conf.get(), refused, sizeof refused);
  if (client == nullptr) {
    *reason = WithoutValues(refused, conf.get());
    return nullptr;
  }
  conf.release();  // rd_kafka_new took it
  rd_kafka_set_log_queue(client, nullptr);
  return client;
}

}  // namespace millrace
