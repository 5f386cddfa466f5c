#pragma once
/* A client of librdkafka, producer or consumer, as all of ours are opened. */
#include <librdkafka/rdkafka.h>

#include <cstdio>
#include <cstring>
#include <string>

#include "conf-ptr.h"
#include "without-values.h"

namespace millrace {

/**
 * OpenSSL checks the server's certificate; this only tells what it found, of which librdkafka's own error
 * says nothing. `reason` goes to the log as kafka/connection-fault.ts reads it. Any thread.
 */
inline int TellCertificateFault(rd_kafka_t*, const char*, int32_t, int* x509_error, int, const char*, size_t,
                                char* reason, size_t reason_bytes, void*) {
  constexpr int kNoFault = 0;  // X509_V_OK
  if (*x509_error == kNoFault) return 1;
  std::snprintf(reason, reason_bytes, "x509 error %d", *x509_error);
  return 0;
}

inline bool UsesTls(rd_kafka_conf_t* conf) {
  char protocol[32] = "";
  size_t bytes = sizeof protocol;
  return rd_kafka_conf_get(conf, "security.protocol", protocol, &bytes) == RD_KAFKA_CONF_OK &&
         std::strstr(protocol, "ssl") != nullptr;
}

/** nullptr, with `*reason` set, when librdkafka refuses the configuration. */
inline rd_kafka_t* NewClient(rd_kafka_type_t type, ConfPtr conf, std::string* reason) {
  char refused[256] = "";
  // With log.queue, logs come by poll like all else and no thread of librdkafka calls us.
  if (rd_kafka_conf_set(conf.get(), "log.queue", "true", refused, sizeof refused) != RD_KAFKA_CONF_OK) {
    *reason = refused;
    return nullptr;
  }
  if (UsesTls(conf.get())) rd_kafka_conf_set_ssl_cert_verify_cb(conf.get(), TellCertificateFault);
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
