#pragma once
/* What librdkafka says of a configuration that it refuses, fit to be shown. */
#include <librdkafka/rdkafka.h>

#include <string>

namespace millrace {

/** The text without the values that were set: any of them could be a secret. */
inline std::string WithoutValues(std::string text, rd_kafka_conf_t* conf) {
  constexpr size_t kTellingBytes = 3;
  size_t count = 0;
  const char** pairs = rd_kafka_conf_dump(conf, &count);
  for (size_t i = 1; i < count; i += 2) {
    const std::string value = pairs[i] == nullptr ? "" : pairs[i];
    if (value.size() < kTellingBytes) continue;
    for (size_t at = 0; (at = text.find(value, at)) != std::string::npos; at += 3) {
      text.replace(at, value.size(), "...");
    }
  }
  rd_kafka_conf_dump_free(pairs, count);
  return text;
}

}  // namespace millrace
