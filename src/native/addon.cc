/* The addon's exports. It keeps no state of its own: everything hangs on the objects that JavaScript
 * makes, so it loads into any number of worker threads at once.
 */
#include <librdkafka/rdkafka.h>
#include <napi.h>

#include "admin.h"
#include "consumer.h"
#include "doorbell.h"
#include "mock-cluster.h"
#include "shard-producers.h"

namespace millrace {
namespace {

// builtinFeatures(): string, librdkafka's `builtin.features`, separated by commas
Napi::Value BuiltinFeatures(const Napi::CallbackInfo& info) {
  char features[512] = "";
  size_t bytes = sizeof features;
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_get(conf, "builtin.features", features, &bytes);
  rd_kafka_conf_destroy(conf);
  return Napi::String::New(info.Env(), features);
}

// errorName(code): string, such as MSG_SIZE_TOO_LARGE
Napi::Value ErrorName(const Napi::CallbackInfo& info) {
  if (!info[0].IsNumber()) {
    Napi::TypeError::New(info.Env(), "errorName(code)").ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  const int32_t code = info[0].As<Napi::Number>().Int32Value();
  return Napi::String::New(info.Env(), rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(code)));
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("builtinFeatures", Napi::Function::New<BuiltinFeatures>(env));
  exports.Set("errorName", Napi::Function::New<ErrorName>(env));
  exports.Set("librdkafkaVersion", Napi::String::New(env, rd_kafka_version_str()));
  DefineDoorbellFunctions(env, exports);
  exports.Set("Doorbell", Doorbell::Define(env));
  exports.Set("ShardProducers", ShardProducers::Define(env));
  exports.Set("Admin", AdminHandle::Define(env));
  exports.Set("Consumer", ConsumerHandle::Define(env));
  exports.Set("MockCluster", MockCluster::Define(env));
  return exports;
}

NODE_API_MODULE(millrace, Init)

}  // namespace
}  // namespace millrace
