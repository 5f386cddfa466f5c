#include "conf.h"

#include <string>

namespace millrace {
namespace {

template <typename Set>
bool ReadProperties(Napi::Object properties, Set set) {
  Napi::Env env = properties.Env();
  Napi::Array names = properties.GetPropertyNames();
  // What a proxy throws leaves an empty handle, which must not be touched.
  if (names.IsEmpty()) return false;
  for (uint32_t i = 0; i < names.Length(); i++) {
    Napi::Value name = names.Get(i);
    if (env.IsExceptionPending()) return false;
    Napi::Value value = properties.Get(name);
    if (env.IsExceptionPending()) return false;
    const std::string key = name.As<Napi::String>();
    if (!value.IsString()) {
      Napi::TypeError::New(env, "property " + key + " is not a string").ThrowAsJavaScriptException();
      return false;
    }
    char reason[256] = "";
    if (set(key.c_str(), value.As<Napi::String>().Utf8Value().c_str(), reason, sizeof reason) !=
        RD_KAFKA_CONF_OK) {
      Napi::Error::New(env, "librdkafka refuses its property " + key).ThrowAsJavaScriptException();
      return false;
    }
  }
  return true;
}

}  // namespace

ConfPtr ReadConf(Napi::Object properties) {
  ConfPtr conf(rd_kafka_conf_new());
  const bool read = ReadProperties(properties, [&](auto key, auto value, auto reason, auto size) {
    return rd_kafka_conf_set(conf.get(), key, value, reason, size);
  });
  return read ? std::move(conf) : nullptr;
}

TopicConfPtr ReadTopicConf(Napi::Object properties) {
  TopicConfPtr conf(rd_kafka_topic_conf_new());
  const bool read = ReadProperties(properties, [&](auto key, auto value, auto reason, auto size) {
    return rd_kafka_topic_conf_set(conf.get(), key, value, reason, size);
  });
  return read ? std::move(conf) : nullptr;
}

}  // namespace millrace
