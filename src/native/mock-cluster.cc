#include "mock-cluster.h"

#include <string>
#include <vector>

#include "arguments.h"

namespace millrace {
namespace {

constexpr int32_t kBrokersMax = 100;
constexpr int32_t kPartitionsMax = 10000;
constexpr int32_t kGroupDelayMsMax = 60000;

// One letter an argument: s(tring), n(umber), b(oolean), a(rray).
bool Arguments(const Napi::CallbackInfo& info, const char* kinds) {
  for (size_t i = 0; kinds[i] != '\0'; i++) {
    const Napi::Value value = info[i];
    const bool right = kinds[i] == 's'   ? value.IsString()
                       : kinds[i] == 'n' ? value.IsNumber()
                       : kinds[i] == 'b' ? value.IsBoolean()
                                         : value.IsArray();
    if (!right) return false;
  }
  return true;
}

bool Within(Napi::Value number, int32_t min, int32_t max) {
  const double value = number.As<Napi::Number>().DoubleValue();
  return value >= min && value <= max;
}

}  // namespace

Napi::Function MockCluster::Define(Napi::Env env) {
  return DefineClass(env, "MockCluster",
                     {
                         InstanceAccessor<&MockCluster::BootstrapServers>("bootstrapServers"),
                         InstanceMethod<&MockCluster::CreateTopic>("createTopic"),
                         InstanceMethod<&MockCluster::FailRequests>("failRequests"),
                         InstanceMethod<&MockCluster::FailTopic>("failTopic"),
                         InstanceMethod<&MockCluster::SetBrokerUp>("setBrokerUp"),
                         InstanceMethod<&MockCluster::SetGroupDelayMs>("setGroupDelayMs"),
                         InstanceMethod<&MockCluster::SetRoundTripMs>("setRoundTripMs"),
                         InstanceMethod<&MockCluster::Close>("close"),
                     });
}

// new MockCluster(brokers)
MockCluster::MockCluster(const Napi::CallbackInfo& info) : Napi::ObjectWrap<MockCluster>(info) {
  Napi::Env env = info.Env();
  if (!Arguments(info, "n") || !Within(info[0], 1, kBrokersMax)) {
    Refuse(env, "MockCluster(brokers)");
    return;
  }
  char reason[256];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  // It warns that it has no bootstrap servers, which are what it is about to be.
  rd_kafka_conf_set(conf, "log_level", "3", reason, sizeof reason);
  rk_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
  if (rk_ == nullptr) rd_kafka_conf_destroy(conf);
  else cluster_ = rd_kafka_mock_cluster_new(rk_, info[0].As<Napi::Number>().Int32Value());
  if (cluster_ == nullptr) {
    Napi::Error::New(env, "MockCluster: it did not start").ThrowAsJavaScriptException();
  }
}

MockCluster::~MockCluster() { Destroy(); }

void MockCluster::Destroy() {
  if (cluster_ != nullptr) rd_kafka_mock_cluster_destroy(cluster_);
  if (rk_ != nullptr) rd_kafka_destroy(rk_);
  cluster_ = nullptr;
  rk_ = nullptr;
}

bool MockCluster::Ready(const Napi::CallbackInfo& info, const char* kinds, const char* usage) const {
  if (!Arguments(info, kinds)) {
    Refuse(info.Env(), usage);
    return false;
  }
  if (cluster_ != nullptr) return true;
  Napi::Error::New(info.Env(), "MockCluster: closed").ThrowAsJavaScriptException();
  return false;
}

Napi::Value MockCluster::BootstrapServers(const Napi::CallbackInfo& info) {
  if (!Ready(info, "", "bootstrapServers")) return info.Env().Undefined();
  return Napi::String::New(info.Env(), rd_kafka_mock_cluster_bootstraps(cluster_));
}

// createTopic(name, partitions)
Napi::Value MockCluster::CreateTopic(const Napi::CallbackInfo& info) {
  const char* usage = "createTopic(name, partitions)";
  if (!Ready(info, "sn", usage)) return info.Env().Undefined();
  if (!Within(info[1], 1, kPartitionsMax)) return Refuse(info.Env(), usage);
  const std::string name = info[0].As<Napi::String>();
  const auto error =
      rd_kafka_mock_topic_create(cluster_, name.c_str(), info[1].As<Napi::Number>().Int32Value(), 1);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    Napi::Error::New(info.Env(), rd_kafka_err2str(error)).ThrowAsJavaScriptException();
  }
  return info.Env().Undefined();
}

// failRequests(apiKey, codes): the next requests of that kind get these errors, one each
Napi::Value MockCluster::FailRequests(const Napi::CallbackInfo& info) {
  const char* usage = "failRequests(apiKey, codes)";
  if (!Ready(info, "na", usage)) return info.Env().Undefined();
  const Napi::Array codes = info[1].As<Napi::Array>();
  std::vector<rd_kafka_resp_err_t> errors;
  for (uint32_t i = 0; i < codes.Length(); i++) {
    const Napi::Value code = codes.Get(i);
    if (code.IsEmpty() || !code.IsNumber()) return Refuse(info.Env(), usage);
    errors.push_back(static_cast<rd_kafka_resp_err_t>(code.As<Napi::Number>().Int32Value()));
  }
  rd_kafka_mock_push_request_errors_array(
      cluster_, static_cast<int16_t>(info[0].As<Napi::Number>().Int32Value()), errors.size(),
      errors.data());
  return info.Env().Undefined();
}

// failTopic(name, code): the topic's metadata answers with this error; 0 ends it
Napi::Value MockCluster::FailTopic(const Napi::CallbackInfo& info) {
  if (!Ready(info, "sn", "failTopic(name, code)")) return info.Env().Undefined();
  const std::string name = info[0].As<Napi::String>();
  rd_kafka_mock_topic_set_error(
      cluster_, name.c_str(),
      static_cast<rd_kafka_resp_err_t>(info[1].As<Napi::Number>().Int32Value()));
  return info.Env().Undefined();
}

// setBrokerUp(broker, up)
Napi::Value MockCluster::SetBrokerUp(const Napi::CallbackInfo& info) {
  if (!Ready(info, "nb", "setBrokerUp(broker, up)")) return info.Env().Undefined();
  const int32_t broker = info[0].As<Napi::Number>().Int32Value();
  if (info[1].As<Napi::Boolean>()) {
    rd_kafka_mock_broker_set_up(cluster_, broker);
  } else {
    rd_kafka_mock_broker_set_down(cluster_, broker);
  }
  return info.Env().Undefined();
}

// setGroupDelayMs(ms): how long a new group waits for members before it deals out partitions
Napi::Value MockCluster::SetGroupDelayMs(const Napi::CallbackInfo& info) {
  const char* usage = "setGroupDelayMs(ms)";
  if (!Ready(info, "n", usage)) return info.Env().Undefined();
  if (!Within(info[0], 0, kGroupDelayMsMax)) return Refuse(info.Env(), usage);
  rd_kafka_mock_group_initial_rebalance_delay_ms(cluster_,
                                                 info[0].As<Napi::Number>().Int32Value());
  return info.Env().Undefined();
}

// setRoundTripMs(broker, ms)
Napi::Value MockCluster::SetRoundTripMs(const Napi::CallbackInfo& info) {
  if (!Ready(info, "nn", "setRoundTripMs(broker, ms)")) return info.Env().Undefined();
  rd_kafka_mock_broker_set_rtt(cluster_, info[0].As<Napi::Number>().Int32Value(),
                               info[1].As<Napi::Number>().Int32Value());
  return info.Env().Undefined();
}

Napi::Value MockCluster::Close(const Napi::CallbackInfo& info) {
  Destroy();
  return info.Env().Undefined();
}

}  // namespace millrace
