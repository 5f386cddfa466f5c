#pragma once
/* What a live client logs in with: at connections that it makes from now on, and where Kafka asks for a new
 * login on one that it has (connections.max.reauth.ms, KIP-368). Connections that are up stay up.
 */
#include <librdkafka/rdkafka.h>
#include <napi.h>

#include <ctime>
#include <string>

#include "arguments.h"

namespace millrace {

inline bool HasNul(const std::string& text) { return text.find('\0') != std::string::npos; }

/** Empty, or what is wrong, without any of the values: librdkafka's own words repeat them. */
inline std::string SetCredentials(rd_kafka_t* client, const std::string& username,
                                  const std::string& password) {
  if (HasNul(username)) return "the username has a NUL in it";
  if (HasNul(password)) return "the password has a NUL in it";
  rd_kafka_error_t* error = rd_kafka_sasl_set_credentials(client, username.c_str(), password.c_str());
  if (error == nullptr) return "";
  const std::string name = rd_kafka_error_name(error);
  rd_kafka_error_destroy(error);
  return "librdkafka refuses the login: " + name;
}

/** As SetCredentials; `expires_ms` is since 1970. */
inline std::string SetToken(rd_kafka_t* client, const std::string& value, double expires_ms,
                            const std::string& principal) {
  if (value.empty() || HasNul(value)) return "the token is empty or has a NUL in it";
  if (HasNul(principal)) return "the principal has a NUL in it";
  if (expires_ms <= static_cast<double>(std::time(nullptr)) * 1000) return "the token has expired";
  char reason[512] = "";
  const rd_kafka_resp_err_t code =
      rd_kafka_oauthbearer_set_token(client, value.c_str(), static_cast<int64_t>(expires_ms),
                                     principal.c_str(), nullptr, 0, reason, sizeof reason);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return "";
  if (code == RD_KAFKA_RESP_ERR__STATE) return "the client does not log in by a token";
  return std::string("librdkafka refuses the token: ") + rd_kafka_err2name(code);
}

/** What JavaScript is told: undefined where it went well. */
inline Napi::Value Fault(Napi::Env env, const std::string& fault) {
  return fault.empty() ? env.Undefined() : Napi::String::New(env, fault);
}

/** The arguments of setCredentials, from `from` on: username, password. */
inline bool AreCredentials(const Napi::CallbackInfo& info, size_t from) {
  return info.Length() >= from + 2 && info[from].IsString() && info[from + 1].IsString();
}

inline Napi::Value SetCredentials(const Napi::CallbackInfo& info, size_t from, rd_kafka_t* client) {
  return Fault(info.Env(), SetCredentials(client, info[from].As<Napi::String>().Utf8Value(),
                                          info[from + 1].As<Napi::String>().Utf8Value()));
}

/** The arguments of setToken, from `from` on: value, expiresAtMs, principal. */
inline bool AreOfToken(const Napi::CallbackInfo& info, size_t from) {
  double expires_ms;
  return info.Length() >= from + 3 && info[from].IsString() &&
         ReadWhole(info[from + 1], 0, kWholeMax, &expires_ms) && info[from + 2].IsString();
}

inline Napi::Value SetToken(const Napi::CallbackInfo& info, size_t from, rd_kafka_t* client) {
  return Fault(info.Env(), SetToken(client, info[from].As<Napi::String>().Utf8Value(),
                                    info[from + 1].As<Napi::Number>().DoubleValue(),
                                    info[from + 2].As<Napi::String>().Utf8Value()));
}

}  // namespace millrace
