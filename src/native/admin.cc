#include "admin.h"

#include <unordered_set>

#include "arguments.h"
#include "conf.h"
#include "sasl.h"

namespace millrace {
namespace {

constexpr uint32_t kNamesMax = 1000;
// A string of Kafka's protocol has its length in 16 bits.
constexpr size_t kNameBytesMax = 32767;
constexpr int kTimeoutMsMax = 3600 * 1000;
constexpr size_t kOpenMax = 100;

const char* kAskUsage =
    "ask(question, names, timeoutMs, token): from 1 to 1,000 names, each once";

struct Question {
  AdminQuestion kind;
  std::vector<std::string> names;
  int timeout_ms;
  uint32_t token;
};

bool ReadNames(Napi::Value value, std::vector<std::string>* out) {
  if (!value.IsArray()) return false;
  const Napi::Array array = value.As<Napi::Array>();
  const uint32_t count = array.Length();
  if (count == 0 || count > kNamesMax) return false;
  std::unordered_set<std::string> known;
  for (uint32_t i = 0; i < count; i++) {
    const Napi::Value item = array.Get(i);
    if (item.IsEmpty() || !item.IsString()) return false;
    std::string name = item.As<Napi::String>();
    if (name.empty() || name.size() > kNameBytesMax || HasNul(name)) return false;
    if (!known.insert(name).second) return false;
    out->push_back(std::move(name));
  }
  return true;
}

bool ReadQuestion(const Napi::CallbackInfo& info, Question* out) {
  double kind;
  double timeout_ms;
  double token;
  if (info.Length() < 4 ||
      !ReadWhole(info[0], 0, static_cast<double>(AdminQuestion::kGroups), &kind) ||
      !ReadNames(info[1], &out->names) || !ReadWhole(info[2], 1, kTimeoutMsMax, &timeout_ms) ||
      !ReadWhole(info[3], 0, UINT32_MAX, &token)) {
    return false;
  }
  out->kind = static_cast<AdminQuestion>(static_cast<uint32_t>(kind));
  out->timeout_ms = static_cast<int>(timeout_ms);
  out->token = static_cast<uint32_t>(token);
  return true;
}

Napi::Object ToObject(Napi::Env env, const AdminItem& item) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("name", Napi::String::New(env, item.name));
  out.Set("code", Napi::Number::New(env, item.code));
  out.Set("partitions", Napi::Number::New(env, item.partitions));
  out.Set("operations", Napi::Number::New(env, static_cast<double>(item.operations)));
  out.Set("value", Napi::String::New(env, item.value));
  return out;
}

Napi::Object ToObject(Napi::Env env, const AdminAnswer& answer) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("token", Napi::Number::New(env, answer.token));
  out.Set("code", Napi::Number::New(env, answer.code));
  Napi::Array items = Napi::Array::New(env, answer.items.size());
  for (uint32_t i = 0; i < answer.items.size(); i++) {
    Napi::HandleScope scope(env);
    items.Set(i, ToObject(env, answer.items[i]));
  }
  out.Set("items", items);
  return out;
}

Napi::Object ToObject(Napi::Env env, const AdminEvent& event) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("kind", Napi::Number::New(env, static_cast<uint32_t>(event.kind)));
  out.Set("code", Napi::Number::New(env, event.code));
  out.Set("text", Napi::String::New(env, event.text));
  return out;
}

template <typename Each>
Napi::Array ToArray(Napi::Env env, const std::vector<Each>& all) {
  Napi::Array out = Napi::Array::New(env, all.size());
  for (uint32_t i = 0; i < all.size(); i++) {
    Napi::HandleScope scope(env);
    out.Set(i, ToObject(env, all[i]));
  }
  return out;
}

}  // namespace

Napi::Function AdminHandle::Define(Napi::Env env) {
  return DefineClass(env, "Admin",
                     {
                         InstanceMethod<&AdminHandle::Ask>("ask"),
                         InstanceMethod<&AdminHandle::TakeEvents>("takeEvents"),
                         InstanceMethod<&AdminHandle::TakeAnswers>("takeAnswers"),
                         InstanceMethod<&AdminHandle::SetCredentials>("setCredentials"),
                         InstanceMethod<&AdminHandle::SetToken>("setToken"),
                         InstanceMethod<&AdminHandle::Destroy>("destroy"),
                     });
}

// new Admin(properties, wakeFd)
AdminHandle::AdminHandle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<AdminHandle>(info) {
  Napi::Env env = info.Env();
  double wake_fd;
  if (info.Length() < 2 || !info[0].IsObject() || !ReadWhole(info[1], 0, INT32_MAX, &wake_fd)) {
    Refuse(env, "Admin(properties, wakeFd)");
    return;
  }
  ConfPtr conf = ReadConf(info[0].As<Napi::Object>());
  if (conf == nullptr) return;
  std::string reason;
  admin_ = KafkaAdmin::Open(std::move(conf), static_cast<int>(wake_fd), &reason);
  if (admin_ == nullptr) Refuse(env, "librdkafka: " + reason);
}

/** Whether there is a client to call. Otherwise an exception is pending. */
bool AdminHandle::Open(const Napi::CallbackInfo& info, const char* name) {
  if (admin_ == nullptr) Refuse(info.Env(), std::string(name) + ": destroyed");
  return admin_ != nullptr;
}

// ask(question, names, timeoutMs, token): ends as an answer with this token
Napi::Value AdminHandle::Ask(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Question question;
  if (!ReadQuestion(info, &question)) {
    return env.IsExceptionPending() ? env.Undefined() : Refuse(env, kAskUsage);
  }
  // After the arguments: a getter among them may do anything, even destroy the client.
  if (!Open(info, "ask")) return env.Undefined();
  if (admin_->open() >= kOpenMax) return Refuse(env, "ask: too many questions without an answer");
  admin_->Ask(question.kind, question.names, question.timeout_ms, question.token);
  return env.Undefined();
}

// takeEvents(): { kind, code, text }[]
Napi::Value AdminHandle::TakeEvents(const Napi::CallbackInfo& info) {
  if (!Open(info, "takeEvents")) return info.Env().Undefined();
  admin_->Serve();
  return ToArray(info.Env(), admin_->TakeEvents());
}

// takeAnswers(): { token, code, items: { name, code, partitions, operations, value }[] }[]
Napi::Value AdminHandle::TakeAnswers(const Napi::CallbackInfo& info) {
  if (!Open(info, "takeAnswers")) return info.Env().Undefined();
  admin_->Serve();
  return ToArray(info.Env(), admin_->TakeAnswers());
}

// setCredentials(username, password): string | undefined
Napi::Value AdminHandle::SetCredentials(const Napi::CallbackInfo& info) {
  if (!AreCredentials(info, 0)) return Refuse(info.Env(), "setCredentials(username, password)");
  if (!Open(info, "setCredentials")) return info.Env().Undefined();
  return millrace::SetCredentials(info, 0, admin_->handle());
}

// setToken(value, expiresAtMs, principal): string | undefined
Napi::Value AdminHandle::SetToken(const Napi::CallbackInfo& info) {
  if (!AreOfToken(info, 0)) return Refuse(info.Env(), "setToken(value, expiresAtMs, principal)");
  if (!Open(info, "setToken")) return info.Env().Undefined();
  return millrace::SetToken(info, 0, admin_->handle());
}

// destroy(): may be called again
Napi::Value AdminHandle::Destroy(const Napi::CallbackInfo& info) {
  admin_.reset();
  return info.Env().Undefined();
}

}  // namespace millrace
