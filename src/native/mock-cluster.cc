#include "mock-cluster.h"

#include <string>
#include <vector>

namespace millrace {

Napi::Function MockCluster::Define(Napi::Env env) {
  return DefineClass(env, "MockCluster",
                     {
                         InstanceAccessor<&MockCluster::BootstrapServers>("bootstrapServers"),
                         InstanceMethod<&MockCluster::CreateTopic>("createTopic"),
                         InstanceMethod<&MockCluster::FailRequests>("failRequests"),
                         InstanceMethod<&MockCluster::FailTopic>("failTopic"),
                         InstanceMethod<&MockCluster::SetBrokerUp>("setBrokerUp"),
                         InstanceMethod<&MockCluster::SetRoundTripMs>("setRoundTripMs"),
                         InstanceMethod<&MockCluster::Close>("close"),
                     });
}

// new MockCluster(brokers)
MockCluster::MockCluster(const Napi::CallbackInfo& info) : Napi::ObjectWrap<MockCluster>(info) {
  Napi::Env env = info.Env();
  if (info.Length() < 1 || !info[0].IsNumber()) {
    Napi::TypeError::New(env, "MockCluster(brokers)").ThrowAsJavaScriptException();
    return;
  }
  char reason[256];
  rk_ = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), reason, sizeof reason);
  if (rk_ != nullptr) cluster_ = rd_kafka_mock_cluster_new(rk_, info[0].As<Napi::Number>().Int32Value());
  if (cluster_ == nullptr) {
    Napi::Error::New(env, "MockCluster: it did not start").ThrowAsJavaScriptException();
  }
}

MockCluster::~MockCluster() {
  if (cluster_ != nullptr) rd_kafka_mock_cluster_destroy(cluster_);
  if (rk_ != nullptr) rd_kafka_destroy(rk_);
}

bool MockCluster::Ready(Napi::Env env) const {
  if (cluster_ != nullptr) return true;
  Napi::Error::New(env, "MockCluster: closed").ThrowAsJavaScriptException();
  return false;
}

Napi::Value MockCluster::BootstrapServers(const Napi::CallbackInfo& info) {
  if (!Ready(info.Env())) return info.Env().Undefined();
  return Napi::String::New(info.Env(), rd_kafka_mock_cluster_bootstraps(cluster_));
}

// createTopic(name, partitions)
Napi::Value MockCluster::CreateTopic(const Napi::CallbackInfo& info) {
  if (!Ready(info.Env())) return info.Env().Undefined();
  const std::string name = info[0].ToString();
  const auto error = rd_kafka_mock_topic_create(cluster_, name.c_str(),
                                                info[1].ToNumber().Int32Value(), 1);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    Napi::Error::New(info.Env(), rd_kafka_err2str(error)).ThrowAsJavaScriptException();
  }
  return info.Env().Undefined();
}

// failRequests(apiKey, codes): the next requests of that kind get these errors, one each
Napi::Value MockCluster::FailRequests(const Napi::CallbackInfo& info) {
  if (!Ready(info.Env())) return info.Env().Undefined();
  Napi::Array codes = info[1].As<Napi::Array>();
  std::vector<rd_kafka_resp_err_t> errors;
  for (uint32_t i = 0; i < codes.Length(); i++) {
    errors.push_back(
        static_cast<rd_kafka_resp_err_t>(Napi::Value(codes.Get(i)).ToNumber().Int32Value()));
  }
  rd_kafka_mock_push_request_errors_array(
      cluster_, static_cast<int16_t>(info[0].ToNumber().Int32Value()), errors.size(), errors.data());
  return info.Env().Undefined();
}

// failTopic(name, code): the topic's metadata answers with this error; 0 ends it
Napi::Value MockCluster::FailTopic(const Napi::CallbackInfo& info) {
  if (!Ready(info.Env())) return info.Env().Undefined();
  const std::string name = info[0].ToString();
  rd_kafka_mock_topic_set_error(
      cluster_, name.c_str(), static_cast<rd_kafka_resp_err_t>(info[1].ToNumber().Int32Value()));
  return info.Env().Undefined();
}

// setBrokerUp(broker, up)
Napi::Value MockCluster::SetBrokerUp(const Napi::CallbackInfo& info) {
  if (!Ready(info.Env())) return info.Env().Undefined();
  const int32_t broker = info[0].ToNumber().Int32Value();
  if (info[1].ToBoolean()) {
    rd_kafka_mock_broker_set_up(cluster_, broker);
  } else {
    rd_kafka_mock_broker_set_down(cluster_, broker);
  }
  return info.Env().Undefined();
}

// setRoundTripMs(broker, ms)
Napi::Value MockCluster::SetRoundTripMs(const Napi::CallbackInfo& info) {
  if (!Ready(info.Env())) return info.Env().Undefined();
  rd_kafka_mock_broker_set_rtt(cluster_, info[0].ToNumber().Int32Value(),
                               info[1].ToNumber().Int32Value());
  return info.Env().Undefined();
}

Napi::Value MockCluster::Close(const Napi::CallbackInfo& info) {
  if (cluster_ != nullptr) rd_kafka_mock_cluster_destroy(cluster_);
  if (rk_ != nullptr) rd_kafka_destroy(rk_);
  cluster_ = nullptr;
  rk_ = nullptr;
  return info.Env().Undefined();
}

}  // namespace millrace
