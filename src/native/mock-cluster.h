#pragma once
/* MockCluster: librdkafka's own Kafka, in process, with errors on demand. For tests and the demo. */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <napi.h>

namespace millrace {

class MockCluster : public Napi::ObjectWrap<MockCluster> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit MockCluster(const Napi::CallbackInfo& info);
  ~MockCluster() override;
  MockCluster(const MockCluster&) = delete;
  MockCluster& operator=(const MockCluster&) = delete;

 private:
  Napi::Value BootstrapServers(const Napi::CallbackInfo& info);
  Napi::Value CreateTopic(const Napi::CallbackInfo& info);
  Napi::Value FailRequests(const Napi::CallbackInfo& info);
  Napi::Value FailTopic(const Napi::CallbackInfo& info);
  Napi::Value SetBrokerUp(const Napi::CallbackInfo& info);
  Napi::Value SetGroupDelayMs(const Napi::CallbackInfo& info);
  Napi::Value SetRoundTripMs(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);
  bool Ready(const Napi::CallbackInfo& info, const char* kinds, const char* usage) const;
  void Destroy();

  rd_kafka_t* rk_ = nullptr;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
};

}  // namespace millrace
