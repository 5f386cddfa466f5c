#pragma once
/* ConsumerHandle: everything native of one route from Kafka to MQTT; `Consumer` in JavaScript. `turn()`
 * is the hot path, one call a wake-up:
 *
 *   consumer queue -> events for JavaScript
 *   record queue -> taken records -> record ring -> main's doorbell
 *
 * All state hangs on this object; it is used on its worker's thread only. The rings are kept alive by
 * references until the handle is destroyed, in destroy() or the destructor, which also runs when a
 * worker is terminated.
 *
 * 1. A record is written to the ring once, in the order in which librdkafka handed it out, and only
 *    while its partition flows (kafka-consumer.h).
 * 2. With no room in the ring turn() takes nothing from librdkafka, and still serves its events.
 * 3. Main is woken for each batch that was written, once at most until it has looked.
 */
#include <napi.h>

#include <memory>
#include <vector>

#include "kafka-consumer.h"
#include "record-writer.h"
#include "taken-records.h"

namespace millrace {

/** What a turn left to do; the same bits as in src/kafka/addon.ts. */
enum ConsumerFlags : uint32_t {
  kConsumerMore = 1,     // the budget is used up: call again
  kConsumerEvents = 2,   // takeEvents()
  kConsumerBlocked = 4,  // no room: main rings when it has made some
};

class ConsumerHandle : public Napi::ObjectWrap<ConsumerHandle> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit ConsumerHandle(const Napi::CallbackInfo& info);
  ~ConsumerHandle() override;
  ConsumerHandle(const ConsumerHandle&) = delete;
  ConsumerHandle& operator=(const ConsumerHandle&) = delete;

 private:
  Napi::Value Turn(const Napi::CallbackInfo& info);
  Napi::Value TakeEvents(const Napi::CallbackInfo& info);
  Napi::Value Assign(const Napi::CallbackInfo& info);
  Napi::Value Unassign(const Napi::CallbackInfo& info);
  Napi::Value Drop(const Napi::CallbackInfo& info);
  Napi::Value Commit(const Napi::CallbackInfo& info);
  Napi::Value SetCredentials(const Napi::CallbackInfo& info);
  Napi::Value SetToken(const Napi::CallbackInfo& info);
  Napi::Value Pause(const Napi::CallbackInfo& info);
  Napi::Value Resume(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);
  Napi::Value Destroy(const Napi::CallbackInfo& info);

  bool BindMemory(const Napi::CallbackInfo& info);
  bool Open(const Napi::CallbackInfo& info, const char* name);
  uint32_t MoveRecords();
  bool WriteTaken(uint64_t* bytes);
  void ForgetDropped();
  void RingSelf();
  void End();

  RecordWriter writer_;
  int wake_fd_ = -1;
  Napi::Reference<Napi::Uint8Array> ring_memory_;
  Napi::Reference<Napi::Uint8Array> large_memory_;
  std::unique_ptr<KafkaConsumer> consumer_;
  TakenRecords taken_;
};

}  // namespace millrace
