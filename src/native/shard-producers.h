#pragma once
/* ShardProducers: everything native of one worker. `turn()` is the hot path, one call a wake-up:
 *
 *   delivery reports of every producer -> settlement ring -> main's doorbell
 *   frame ring -> target's producer (or, for a diverted target, out to JavaScript)
 *
 * All state hangs on this object; it is used on its worker's thread only. The rings and the slab are
 * kept alive by references until the producers are destroyed, in the destructor, which also runs
 * when a worker is terminated.
 */
#include <napi.h>

#include <memory>
#include <vector>

#include "frame-reader.h"
#include "producer.h"
#include "settlements.h"

namespace millrace {

/** What a turn left for JavaScript to do; the same bits as in src/kafka/addon.ts. */
enum TurnFlags : uint32_t {
  kTurnMore = 1,      // the budget is used up: call again
  kTurnControl = 2,   // a control frame is next: takeControl()
  kTurnFailures = 4,  // takeFailures()
  kTurnEvents = 8,    // takeEvents()
  kTurnUnreported = 16,  // settlements wait for others: report() within a millisecond
};

class ShardProducers : public Napi::ObjectWrap<ShardProducers>, private ProducerOwner {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit ShardProducers(const Napi::CallbackInfo& info);
  ~ShardProducers() override;
  ShardProducers(const ShardProducers&) = delete;
  ShardProducers& operator=(const ShardProducers&) = delete;

 private:
  /** A topic of one producer, and how many of a target's records that producer has. */
  struct Lane {
    uint32_t producer = UINT32_MAX;
    uint32_t topic = 0;
    uint32_t outstanding = 0;
  };
  struct Target {
    Lane batched;
    Lane solo;  // sends each record alone; opened when first needed
    bool diverted = false;
    // A record of so many bytes or more is handed out, and what is behind it, as if diverted.
    uint32_t alone_from = UINT32_MAX;
  };

  Napi::Value AddProducer(const Napi::CallbackInfo& info);
  Napi::Value RemoveProducer(const Napi::CallbackInfo& info);
  Napi::Value SetCredentials(const Napi::CallbackInfo& info);
  Napi::Value SetToken(const Napi::CallbackInfo& info);
  Napi::Value SetTarget(const Napi::CallbackInfo& info);
  Napi::Value Divert(const Napi::CallbackInfo& info);
  Napi::Value SetAloneFrom(const Napi::CallbackInfo& info);
  Napi::Value Turn(const Napi::CallbackInfo& info);
  Napi::Value Report(const Napi::CallbackInfo& info);
  Napi::Value TakeControl(const Napi::CallbackInfo& info);
  Napi::Value TakeFailures(const Napi::CallbackInfo& info);
  Napi::Value TakeEvents(const Napi::CallbackInfo& info);
  Napi::Value Produce(const Napi::CallbackInfo& info);
  Napi::Value Settle(const Napi::CallbackInfo& info);
  Napi::Value Purge(const Napi::CallbackInfo& info);
  Napi::Value Outstanding(const Napi::CallbackInfo& info);
  Napi::Value OutstandingOf(const Napi::CallbackInfo& info);
  Napi::Value HasStale(const Napi::CallbackInfo& info);
  Napi::Value OldestMs(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  void OnDelivered(uint32_t producer, const Slot& slot) override;
  void OnFailed(Failure&& failure, const Slot& slot) override;
  void OnEvent(Event&& event) override;

  bool BindMemory(const Napi::CallbackInfo& info);
  Producer* ProducerAt(uint32_t index) const;
  Producer* ProducerAt(Napi::Value index) const;
  uint32_t ReadFrames();
  bool TakeFrame(const Frame& frame, uint64_t now_ms);
  void CountReport(uint32_t producer, uint32_t target_id);
  void KeepFailure(const Frame& frame, int32_t code, uint64_t sequence, uint32_t producer);
  bool MoreExpected() const;
  static uint64_t NowMs();

  Ring frames_;
  Settlements settlements_;
  Slab slab_;
  int wake_fd_ = -1;
  Napi::Reference<Napi::Uint8Array> frames_memory_;
  Napi::Reference<Napi::Uint8Array> settlements_memory_;
  Napi::Reference<Napi::Uint8Array> slab_memory_;
  // By index; null once removed, since an index is never used again. `live_` are the others.
  std::vector<std::unique_ptr<Producer>> producers_;
  std::vector<Producer*> live_;
  std::vector<Target> targets_;
  std::vector<Failure> failures_;
  std::vector<Event> events_;
  uint64_t sequence_ = 0;
  uint64_t events_dropped_ = 0;
  bool control_next_ = false;
  bool corrupt_ = false;
  bool closed_ = false;
};

}  // namespace millrace
