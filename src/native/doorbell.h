#pragma once
/* Doorbell: wakes the event loop of the thread that listens to it. Others ring it by writing to its
 * file descriptor (an eventfd), which is all that crosses threads; librdkafka rings it the same way.
 * The callback runs once for any number of rings since the last one.
 *
 * The descriptor belongs to the main thread, which opens it before a worker starts and closes it
 * after the worker has ended: were it the worker's, main could ring a number that has meanwhile
 * been given to somebody's socket.
 */
#include <napi.h>
#include <uv.h>

namespace millrace {

class Doorbell : public Napi::ObjectWrap<Doorbell> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit Doorbell(const Napi::CallbackInfo& info);
  ~Doorbell() override;
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

 private:
  static void OnReadable(uv_poll_t* handle, int status, int events);
  static void OnCleanup(void* self);
  Napi::Value Close(const Napi::CallbackInfo& info);
  void Stop();

  int fd_ = -1;
  // Owned by the loop once started: freed in uv_close's callback, after this object may be gone.
  uv_poll_t* poll_ = nullptr;
  Napi::FunctionReference callback_;
  Napi::AsyncContext context_;
};

/** openDoorbell(): number, closeDoorbell(fd), ringDoorbell(fd) */
void DefineDoorbellFunctions(Napi::Env env, Napi::Object exports);

}  // namespace millrace
