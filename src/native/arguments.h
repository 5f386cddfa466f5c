#pragma once
/* What JavaScript gave, checked before it is used: what is wrong becomes a TypeError. */
#include <napi.h>

#include <cmath>
#include <string>

namespace millrace {

inline Napi::Value Refuse(Napi::Env env, const std::string& message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
  return env.Undefined();
}

inline bool AllNumbers(const Napi::CallbackInfo& info, size_t from, size_t count) {
  if (info.Length() < from + count) return false;
  for (size_t i = from; i < from + count; i++) {
    if (!info[i].IsNumber()) return false;
  }
  return true;
}

constexpr double kWholeMax = 9007199254740991.0;  // Number.MAX_SAFE_INTEGER

/** False where it is no whole number in that range. */
inline bool ReadWhole(Napi::Value value, double min, double max, double* out) {
  if (value.IsEmpty() || !value.IsNumber()) return false;
  *out = value.As<Napi::Number>().DoubleValue();
  return *out >= min && *out <= max && std::floor(*out) == *out;
}

inline uint32_t Unsigned(Napi::Value value) { return value.As<Napi::Number>().Uint32Value(); }

inline bool IsBytes(Napi::Value value) {
  return value.IsTypedArray() &&
         value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array;
}

/** Memory that threads share can be neither moved nor taken back while librdkafka reads it. */
inline bool IsSharedBytes(Napi::Value value) {
  napi_value buffer;
  bool exclusive = true;
  return IsBytes(value) &&
         napi_get_typedarray_info(value.Env(), value, nullptr, nullptr, nullptr, &buffer, nullptr) ==
             napi_ok &&
         napi_is_arraybuffer(value.Env(), buffer, &exclusive) == napi_ok && !exclusive;
}

}  // namespace millrace
