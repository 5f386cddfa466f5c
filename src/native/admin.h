#pragma once
/* AdminHandle: KafkaAdmin for JavaScript, where it is called `Admin`. Used on one thread, that of the
 * doorbell which it rings. Every argument is checked, and bounded, before librdkafka sees it.
 */
#include <napi.h>

#include <memory>

#include "kafka-admin.h"

namespace millrace {

class AdminHandle : public Napi::ObjectWrap<AdminHandle> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit AdminHandle(const Napi::CallbackInfo& info);
  AdminHandle(const AdminHandle&) = delete;
  AdminHandle& operator=(const AdminHandle&) = delete;

 private:
  Napi::Value Ask(const Napi::CallbackInfo& info);
  Napi::Value TakeEvents(const Napi::CallbackInfo& info);
  Napi::Value TakeAnswers(const Napi::CallbackInfo& info);
  Napi::Value SetCredentials(const Napi::CallbackInfo& info);
  Napi::Value SetToken(const Napi::CallbackInfo& info);
  Napi::Value Destroy(const Napi::CallbackInfo& info);
  bool Open(const Napi::CallbackInfo& info, const char* name);

  std::unique_ptr<KafkaAdmin> admin_;
};

}  // namespace millrace
