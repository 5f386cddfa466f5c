#include "doorbell.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "wake.h"

namespace millrace {

namespace {

Napi::Value OpenDoorbell(const Napi::CallbackInfo& info) {
  const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) {
    Napi::Error::New(info.Env(), std::string("eventfd: ") + std::strerror(errno))
        .ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  return Napi::Number::New(info.Env(), fd);
}

bool IsDescriptor(const Napi::CallbackInfo& info, const char* usage) {
  if (info[0].IsNumber()) return true;
  Napi::TypeError::New(info.Env(), usage).ThrowAsJavaScriptException();
  return false;
}

Napi::Value CloseDoorbell(const Napi::CallbackInfo& info) {
  if (IsDescriptor(info, "closeDoorbell(fd)")) close(info[0].As<Napi::Number>().Int32Value());
  return info.Env().Undefined();
}

Napi::Value Ring(const Napi::CallbackInfo& info) {
  if (IsDescriptor(info, "ringDoorbell(fd)")) RingDoorbell(info[0].As<Napi::Number>().Int32Value());
  return info.Env().Undefined();
}

}  // namespace

void DefineDoorbellFunctions(Napi::Env env, Napi::Object exports) {
  exports.Set("openDoorbell", Napi::Function::New<OpenDoorbell>(env));
  exports.Set("closeDoorbell", Napi::Function::New<CloseDoorbell>(env));
  exports.Set("ringDoorbell", Napi::Function::New<Ring>(env));
}

Napi::Function Doorbell::Define(Napi::Env env) {
  return DefineClass(env, "Doorbell", {InstanceMethod<&Doorbell::Close>("close")});
}

Doorbell::Doorbell(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<Doorbell>(info), context_(info.Env(), "millrace:doorbell") {
  Napi::Env env = info.Env();
  if (info.Length() < 2 || !info[0].IsNumber() || !info[1].IsFunction()) {
    Napi::TypeError::New(env, "Doorbell(fd, callback)").ThrowAsJavaScriptException();
    return;
  }
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) {
    Napi::Error::New(env, "Doorbell: this thread has no event loop").ThrowAsJavaScriptException();
    return;
  }
  fd_ = info[0].As<Napi::Number>().Int32Value();
  poll_ = new uv_poll_t;
  if (const int error = uv_poll_init(loop, poll_, fd_); error != 0) {
    delete poll_;
    poll_ = nullptr;
    Napi::Error::New(env, std::string("Doorbell: ") + uv_strerror(error)).ThrowAsJavaScriptException();
    return;
  }
  poll_->data = this;
  callback_ = Napi::Persistent(info[1].As<Napi::Function>());
  uv_poll_start(poll_, UV_READABLE, OnReadable);
  napi_add_env_cleanup_hook(env, OnCleanup, this);
  Ref();
}

Doorbell::~Doorbell() { Stop(); }

void Doorbell::OnReadable(uv_poll_t* handle, int status, int events) {
  auto* self = static_cast<Doorbell*>(handle->data);
  if (self == nullptr || status < 0) return;
  uint64_t rings;
  while (read(self->fd_, &rings, sizeof rings) < 0 && errno == EINTR) {
  }
  Napi::Env env = self->Env();
  Napi::HandleScope scope(env);
  // Node-API itself, not its C++ wrapper: that ends the process where JavaScript cannot run, as in a
  // worker that is being terminated.
  napi_value result;
  const napi_status called = napi_make_callback(env, self->context_, env.Global(),
                                                self->callback_.Value(), 0, nullptr, &result);
  napi_value error;
  if (called == napi_pending_exception &&
      napi_get_and_clear_last_exception(env, &error) == napi_ok) {
    napi_fatal_exception(env, error);
  }
}

void Doorbell::OnCleanup(void* self) { static_cast<Doorbell*>(self)->Stop(); }

void Doorbell::Stop() {
  if (poll_ == nullptr) return;
  napi_remove_env_cleanup_hook(Env(), OnCleanup, this);
  uv_poll_stop(poll_);
  poll_->data = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(poll_),
           [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
  poll_ = nullptr;
}

Napi::Value Doorbell::Close(const Napi::CallbackInfo& info) {
  if (poll_ != nullptr) {
    Stop();
    Unref();
  }
  return info.Env().Undefined();
}

}  // namespace millrace
