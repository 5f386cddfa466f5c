#include "shard-producers.h"

#include <time.h>

#include <algorithm>
#include <cstring>

#include "arguments.h"
#include "conf.h"
#include "sasl.h"

namespace millrace {
namespace {

// Frames read in one turn, so that the worker's loop gets its turn too.
constexpr uint32_t kFramesPerTurn = 4096;
constexpr size_t kEventsMax = 1000;
constexpr uint32_t kTargetsMax = 1u << 20;
constexpr uint32_t kProducersMax = 4096;
// No error code of librdkafka's; RECORD_EXPIRED in src/kafka/addon.ts.
constexpr int32_t kRecordExpired = -1000;

}  // namespace

Napi::Function ShardProducers::Define(Napi::Env env) {
  return DefineClass(env, "ShardProducers",
                     {
                         InstanceMethod<&ShardProducers::AddProducer>("addProducer"),
                         InstanceMethod<&ShardProducers::RemoveProducer>("removeProducer"),
                         InstanceMethod<&ShardProducers::SetCredentials>("setCredentials"),
                         InstanceMethod<&ShardProducers::SetToken>("setToken"),
                         InstanceMethod<&ShardProducers::SetTarget>("setTarget"),
                         InstanceMethod<&ShardProducers::Divert>("divert"),
                         InstanceMethod<&ShardProducers::SetAloneFrom>("setAloneFrom"),
                         InstanceMethod<&ShardProducers::Turn>("turn"),
                         InstanceMethod<&ShardProducers::Report>("report"),
                         InstanceMethod<&ShardProducers::TakeControl>("takeControl"),
                         InstanceMethod<&ShardProducers::TakeFailures>("takeFailures"),
                         InstanceMethod<&ShardProducers::TakeEvents>("takeEvents"),
                         InstanceMethod<&ShardProducers::Produce>("produce"),
                         InstanceMethod<&ShardProducers::Settle>("settle"),
                         InstanceMethod<&ShardProducers::Purge>("purge"),
                         InstanceMethod<&ShardProducers::Outstanding>("outstanding"),
                         InstanceMethod<&ShardProducers::OutstandingOf>("outstandingOf"),
                         InstanceMethod<&ShardProducers::HasStale>("hasStale"),
                         InstanceMethod<&ShardProducers::OldestMs>("oldestMs"),
                         InstanceMethod<&ShardProducers::Close>("close"),
                     });
}

// new ShardProducers(frames, settlements, slab, wakeFd, mainFd)
ShardProducers::ShardProducers(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<ShardProducers>(info) {
  if (!BindMemory(info)) {
    Refuse(info.Env(),
           "ShardProducers(frames, settlements, slab, wakeFd, mainFd): the first three are "
           "Uint8Arrays of shared memory, of a ring's size (slab: any), the others descriptors");
  }
}

// While producers are destroyed, all that their callbacks use is still there.
ShardProducers::~ShardProducers() { producers_.clear(); }

bool ShardProducers::BindMemory(const Napi::CallbackInfo& info) {
  if (info.Length() < 5 || !AllNumbers(info, 3, 2)) return false;
  for (size_t i = 0; i < 3; i++) {
    if (!IsSharedBytes(info[i])) return false;
  }
  Napi::Uint8Array memory[3] = {info[0].As<Napi::Uint8Array>(), info[1].As<Napi::Uint8Array>(),
                                info[2].As<Napi::Uint8Array>()};
  for (size_t i = 0; i < 2; i++) {
    if (!Ring::Fits(memory[i].Data(), memory[i].ByteLength())) return false;
  }
  frames_ = Ring(memory[0].Data(), memory[0].ByteLength());
  slab_ = {memory[2].Data(), memory[2].ByteLength()};
  frames_memory_ = Napi::Persistent(memory[0]);
  settlements_memory_ = Napi::Persistent(memory[1]);
  slab_memory_ = Napi::Persistent(memory[2]);
  wake_fd_ = info[3].As<Napi::Number>().Int32Value();
  settlements_ = Settlements(Ring(memory[1].Data(), memory[1].ByteLength()),
                             info[4].As<Napi::Number>().Int32Value());
  return true;
}

uint64_t ShardProducers::NowMs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1000000;
}

// addProducer(properties): number
Napi::Value ShardProducers::AddProducer(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() < 1 || !info[0].IsObject()) return Refuse(env, "addProducer(properties)");
  if (closed_ || live_.size() >= kProducersMax) {
    return Refuse(env, closed_ ? "addProducer: closed" : "addProducer: too many producers");
  }
  ConfPtr conf = ReadConf(info[0].As<Napi::Object>());
  if (conf == nullptr) return env.Undefined();
  std::string reason;
  const auto index = static_cast<uint32_t>(producers_.size());
  auto producer = Producer::Open(std::move(conf), index, wake_fd_, slab_, this, &reason);
  if (producer == nullptr) return Refuse(env, "librdkafka: " + reason);
  live_.push_back(producer.get());
  producers_.push_back(std::move(producer));
  return Napi::Number::New(env, index);
}

Producer* ShardProducers::ProducerAt(uint32_t index) const {
  return index < producers_.size() ? producers_[index].get() : nullptr;
}

Producer* ShardProducers::ProducerAt(Napi::Value index) const {
  return index.IsNumber() ? ProducerAt(Unsigned(index)) : nullptr;
}

// removeProducer(index): what is outstanding is forgotten unreported. Its index is not used again.
Napi::Value ShardProducers::RemoveProducer(const Napi::CallbackInfo& info) {
  Producer* producer = ProducerAt(info[0]);
  if (producer == nullptr) return Refuse(info.Env(), "removeProducer: no such producer");
  const uint32_t index = Unsigned(info[0]);
  live_.erase(std::find(live_.begin(), live_.end(), producer));
  producers_[index].reset();
  for (Target& target : targets_) {
    if (target.batched.producer == index) target.batched.outstanding = 0;
    if (target.solo.producer == index) target.solo.outstanding = 0;
  }
  return info.Env().Undefined();
}

// setCredentials(producer, username, password): string | undefined
Napi::Value ShardProducers::SetCredentials(const Napi::CallbackInfo& info) {
  Producer* producer = ProducerAt(info[0]);
  if (producer == nullptr || !AreCredentials(info, 1)) {
    return Refuse(info.Env(), "setCredentials(producer, username, password)");
  }
  return millrace::SetCredentials(info, 1, producer->handle());
}

// setToken(producer, value, expiresAtMs, principal): string | undefined
Napi::Value ShardProducers::SetToken(const Napi::CallbackInfo& info) {
  Producer* producer = ProducerAt(info[0]);
  if (producer == nullptr || !AreOfToken(info, 1)) {
    return Refuse(info.Env(), "setToken(producer, value, expiresAtMs, principal)");
  }
  return millrace::SetToken(info, 1, producer->handle());
}

// setTarget(targetId, producer, topicName, topicProperties, rule, instanceId, solo)
Napi::Value ShardProducers::SetTarget(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() < 7 || !AllNumbers(info, 0, 2) || !info[2].IsString() || !info[3].IsObject() ||
      !AllNumbers(info, 4, 2) || !info[6].IsBoolean()) {
    return Refuse(env, "setTarget(targetId, producer, topic, properties, rule, instanceId, solo)");
  }
  const uint32_t id = Unsigned(info[0]);
  const uint32_t rule = Unsigned(info[4]);
  // First of all: a getter among the properties may do anything, even remove the producer.
  TopicConfPtr conf = ReadTopicConf(info[3].As<Napi::Object>());
  if (conf == nullptr) return env.Undefined();
  Producer* producer = ProducerAt(info[1]);
  if (id >= kTargetsMax || producer == nullptr || rule > 2) {
    return Refuse(env, "setTarget: target, producer or rule out of range");
  }
  std::string reason;
  const int32_t topic =
      producer->AddTopic(info[2].As<Napi::String>(), std::move(conf),
                         static_cast<PartitionRule>(rule), Unsigned(info[5]), &reason);
  if (topic < 0) return Refuse(env, "librdkafka: " + reason);
  if (targets_.size() <= id) targets_.resize(id + 1);
  const bool solo = info[6].As<Napi::Boolean>();
  Lane& lane = solo ? targets_[id].solo : targets_[id].batched;
  lane = {Unsigned(info[1]), static_cast<uint32_t>(topic), 0};
  return env.Undefined();
}

// divert(targetId, on): frames of a diverted target come out by takeFailures with code 0
Napi::Value ShardProducers::Divert(const Napi::CallbackInfo& info) {
  if (info.Length() < 2 || !info[0].IsNumber() || !info[1].IsBoolean() ||
      Unsigned(info[0]) >= targets_.size()) {
    return Refuse(info.Env(), "divert(targetId, on)");
  }
  targets_[Unsigned(info[0])].diverted = info[1].As<Napi::Boolean>();
  return info.Env().Undefined();
}

// setAloneFrom(targetId, recordBytes): the first record of so many bytes diverts its target
Napi::Value ShardProducers::SetAloneFrom(const Napi::CallbackInfo& info) {
  if (!AllNumbers(info, 0, 2) || Unsigned(info[0]) >= targets_.size()) {
    return Refuse(info.Env(), "setAloneFrom(targetId, recordBytes)");
  }
  targets_[Unsigned(info[0])].alone_from = Unsigned(info[1]);
  return info.Env().Undefined();
}

// turn(): TurnFlags
Napi::Value ShardProducers::Turn(const Napi::CallbackInfo& info) {
  if (closed_) return Refuse(info.Env(), "turn: closed");
  if (corrupt_) return Refuse(info.Env(), "the frame ring is corrupt");
  frames_.waiting().store(0, std::memory_order_relaxed);
  uint32_t flags = 0;
  for (Producer* producer : live_) producer->Poll();
  flags |= ReadFrames();
  if (corrupt_) return Refuse(info.Env(), "the frame ring is corrupt");
  if (!settlements_.Publish()) flags |= kTurnMore;
  if (settlements_.unreported()) {
    if (settlements_.due() || !MoreExpected()) {
      settlements_.Report();
    } else {
      flags |= kTurnUnreported;
    }
  }
  if (!failures_.empty()) flags |= kTurnFailures;
  if (!events_.empty()) flags |= kTurnEvents;
  if ((flags & (kTurnMore | kTurnControl)) == 0) {
    frames_.waiting().store(1, std::memory_order_seq_cst);
    if (frames_.head().load(std::memory_order_seq_cst) !=
        frames_.tail().load(std::memory_order_relaxed)) {
      frames_.waiting().store(0, std::memory_order_relaxed);
      flags |= kTurnMore;
    }
  }
  return Napi::Number::New(info.Env(), flags);
}

uint32_t ShardProducers::ReadFrames() {
  uint32_t tail = frames_.tail().load(std::memory_order_relaxed);
  const uint32_t head = frames_.head().load(std::memory_order_acquire);
  control_next_ = false;
  if (head == tail) return 0;
  const uint64_t now_ms = NowMs();
  uint32_t flags = 0;
  Frame frame;
  for (uint32_t count = 0;; count++) {
    if (count == kFramesPerTurn) {
      flags = kTurnMore;
      break;
    }
    const Next next = ReadNext(frames_, head, slab_, &tail, &frame);
    if (next == Next::kNothing) break;
    if (next == Next::kFrame && frame.kind == FrameKind::kControl) {
      control_next_ = true;
      flags = kTurnControl;
      break;
    }
    if (next == Next::kCorrupt || !TakeFrame(frame, now_ms)) {
      corrupt_ = true;
      break;
    }
    tail += frame.bytes;
  }
  frames_.tail().store(tail, std::memory_order_release);
  return flags;
}

bool ShardProducers::TakeFrame(const Frame& frame, uint64_t now_ms) {
  if (frame.target_id >= targets_.size()) return false;
  Target& target = targets_[frame.target_id];
  if (target.batched.producer == UINT32_MAX) return false;
  const uint64_t sequence = ++sequence_;
  Producer* producer = ProducerAt(target.batched.producer);
  if (frame.record_bytes() >= target.alone_from) target.diverted = true;
  if (target.diverted || producer == nullptr) {
    KeepFailure(frame, 0, sequence, target.batched.producer);
    return true;
  }
  if ((frame.flags & kExpires) && frame.deadline_ms <= now_ms) {
    settlements_.Push(frame.delivery_id, frame.bytes, Settlement::kExpired);
    return true;
  }
  const rd_kafka_resp_err_t code =
      producer->Produce(frame, target.batched.topic, sequence, now_ms);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
    target.batched.outstanding++;
  } else {
    // Until JavaScript has decided: what comes behind it in the ring must not overtake it.
    target.diverted = true;
    KeepFailure(frame, code, sequence, target.batched.producer);
  }
  return true;
}

void ShardProducers::KeepFailure(const Frame& frame, int32_t code, uint64_t sequence,
                                 uint32_t producer) {
  Failure failure;
  failure.frame.assign(frame.start, frame.start + frame.bytes);
  failure.sequence = sequence;
  failure.target_id = frame.target_id;
  failure.code = code;
  failure.status = RD_KAFKA_MSG_STATUS_NOT_PERSISTED;
  failure.producer = producer;
  failures_.push_back(std::move(failure));
}

// takeControl(): Uint8Array, a copy of the payload of the control frame that turn() stopped at
Napi::Value ShardProducers::TakeControl(const Napi::CallbackInfo& info) {
  if (!control_next_) return Refuse(info.Env(), "takeControl: no control frame is next");
  control_next_ = false;
  uint32_t tail = frames_.tail().load(std::memory_order_relaxed);
  const uint32_t head = frames_.head().load(std::memory_order_acquire);
  Frame frame;
  if (ReadNext(frames_, head, slab_, &tail, &frame) != Next::kFrame ||
      frame.kind != FrameKind::kControl) {
    corrupt_ = true;
    return Refuse(info.Env(), "the frame ring is corrupt");
  }
  auto copy = Napi::Buffer<uint8_t>::Copy(info.Env(), frame.payload, frame.payload_bytes);
  frames_.tail().store(tail + frame.bytes, std::memory_order_release);
  return copy;
}

// takeFailures(): { frame, sequence, targetId, code, status, producer }[]
Napi::Value ShardProducers::TakeFailures(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Array out = Napi::Array::New(env, failures_.size());
  for (uint32_t i = 0; i < failures_.size(); i++) {
    const Failure& failure = failures_[i];
    Napi::HandleScope scope(env);
    Napi::Object item = Napi::Object::New(env);
    item.Set("frame", Napi::Buffer<uint8_t>::Copy(env, failure.frame.data(), failure.frame.size()));
    item.Set("sequence", Napi::Number::New(env, static_cast<double>(failure.sequence)));
    item.Set("targetId", Napi::Number::New(env, failure.target_id));
    item.Set("code", Napi::Number::New(env, failure.code));
    item.Set("status", Napi::Number::New(env, failure.status));
    item.Set("producer", Napi::Number::New(env, failure.producer));
    out.Set(i, item);
  }
  failures_.clear();
  return out;
}

// takeEvents(): { kind, producer, code, fatal, text }[]
Napi::Value ShardProducers::TakeEvents(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Array out = Napi::Array::New(env, events_.size());
  for (uint32_t i = 0; i < events_.size(); i++) {
    const Event& event = events_[i];
    Napi::HandleScope scope(env);
    Napi::Object item = Napi::Object::New(env);
    item.Set("kind", Napi::Number::New(env, static_cast<uint32_t>(event.kind)));
    item.Set("producer", Napi::Number::New(env, event.producer));
    item.Set("code", Napi::Number::New(env, event.code));
    item.Set("fatal", Napi::Boolean::New(env, event.fatal));
    item.Set("text", Napi::String::New(env, event.text));
    out.Set(i, item);
  }
  events_.clear();
  return out;
}

// produce(targetId, solo, frame, sequence): rd_kafka_resp_err_t, or -1000 when it has expired
Napi::Value ShardProducers::Produce(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() < 4 || !info[0].IsNumber() || !info[1].IsBoolean() || !IsBytes(info[2]) ||
      !info[3].IsNumber() || Unsigned(info[0]) >= targets_.size()) {
    return Refuse(env, "produce(targetId, solo, frame, sequence)");
  }
  Target& target = targets_[Unsigned(info[0])];
  Lane& lane = info[1].As<Napi::Boolean>() ? target.solo : target.batched;
  Producer* producer = ProducerAt(lane.producer);
  if (producer == nullptr) return Refuse(env, "produce: the target has no such producer");
  Napi::Uint8Array memory = info[2].As<Napi::Uint8Array>();
  Frame frame;
  const char* wrong = ReadFrame(memory.Data(), memory.ByteLength(), slab_, &frame);
  if (wrong != nullptr || frame.kind != FrameKind::kRecord) {
    return Refuse(env, std::string("produce: the frame is ") + (wrong ? wrong : "no record"));
  }
  if (frame.target_id != Unsigned(info[0])) return Refuse(env, "produce: the frame is another target's");
  const uint64_t now_ms = NowMs();
  if ((frame.flags & kExpires) && frame.deadline_ms <= now_ms) {
    return Napi::Number::New(env, kRecordExpired);
  }
  const rd_kafka_resp_err_t code = producer->Produce(
      frame, lane.topic, static_cast<uint64_t>(info[3].As<Napi::Number>().Int64Value()), now_ms);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) lane.outstanding++;
  return Napi::Number::New(env, code);
}

// settle(deliveryId, frameBytes, settlement): for what JavaScript decided
Napi::Value ShardProducers::Settle(const Napi::CallbackInfo& info) {
  if (!AllNumbers(info, 0, 3) || Unsigned(info[2]) > 2) {
    return Refuse(info.Env(), "settle(deliveryId, frameBytes, settlement)");
  }
  settlements_.Push(Unsigned(info[0]), Unsigned(info[1]), static_cast<Settlement>(Unsigned(info[2])));
  return info.Env().Undefined();
}

// Whether some record has no delivery report yet.
bool ShardProducers::MoreExpected() const {
  return std::any_of(live_.begin(), live_.end(),
                     [](const Producer* producer) { return producer->outstanding() > 0; });
}

// report(): tells main of settlements that wait for others
Napi::Value ShardProducers::Report(const Napi::CallbackInfo& info) {
  settlements_.Publish();
  if (settlements_.unreported()) settlements_.Report();
  return info.Env().Undefined();
}

// purge(producer, inFlight)
Napi::Value ShardProducers::Purge(const Napi::CallbackInfo& info) {
  Producer* producer = ProducerAt(info[0]);
  if (producer == nullptr || info.Length() < 2 || !info[1].IsBoolean()) {
    return Refuse(info.Env(), "purge(producer, inFlight)");
  }
  producer->Purge(info[1].As<Napi::Boolean>());
  return info.Env().Undefined();
}

// outstanding(producer): records without a delivery report; 0 for one that was removed
Napi::Value ShardProducers::Outstanding(const Napi::CallbackInfo& info) {
  if (!AllNumbers(info, 0, 1)) return Refuse(info.Env(), "outstanding(producer)");
  Producer* producer = ProducerAt(info[0]);
  return Napi::Number::New(info.Env(), producer == nullptr ? 0 : producer->outstanding());
}

// outstandingOf(targetId): the same of one target, with both of its producers
Napi::Value ShardProducers::OutstandingOf(const Napi::CallbackInfo& info) {
  if (!AllNumbers(info, 0, 1) || Unsigned(info[0]) >= targets_.size()) {
    return Refuse(info.Env(), "outstandingOf(targetId)");
  }
  const Target& target = targets_[Unsigned(info[0])];
  return Napi::Number::New(info.Env(), target.batched.outstanding + target.solo.outstanding);
}

// hasStale(producer, ageMs): whether a record that can expire waits for longer than that
Napi::Value ShardProducers::HasStale(const Napi::CallbackInfo& info) {
  Producer* producer = ProducerAt(info[0]);
  if (producer == nullptr || !AllNumbers(info, 1, 1)) return Refuse(info.Env(), "hasStale(producer, ageMs)");
  return Napi::Boolean::New(info.Env(), producer->HasStale(NowMs(), Unsigned(info[1])));
}

// oldestMs(producer): how long its oldest record has waited for a delivery report; 0 without any. Looks at
// all of them: for once a second
Napi::Value ShardProducers::OldestMs(const Napi::CallbackInfo& info) {
  Producer* producer = ProducerAt(info[0]);
  if (producer == nullptr) return Refuse(info.Env(), "oldestMs(producer)");
  return Napi::Number::New(info.Env(), static_cast<double>(producer->OldestMs(NowMs())));
}

// close(): destroys every producer; what is outstanding is forgotten unreported
Napi::Value ShardProducers::Close(const Napi::CallbackInfo& info) {
  closed_ = true;
  live_.clear();
  producers_.clear();
  return info.Env().Undefined();
}

void ShardProducers::OnDelivered(uint32_t producer, const Slot& slot) {
  CountReport(producer, slot.target_id);
  settlements_.Push(slot.delivery_id, slot.frame_bytes, Settlement::kDelivered);
}

void ShardProducers::OnFailed(Failure&& failure, const Slot& slot) {
  CountReport(failure.producer, slot.target_id);
  failures_.push_back(std::move(failure));
}

// A producer that the target no longer has was forgotten with what it had outstanding.
void ShardProducers::CountReport(uint32_t producer, uint32_t target_id) {
  for (Lane* lane : {&targets_[target_id].batched, &targets_[target_id].solo}) {
    if (lane->producer == producer && lane->outstanding > 0) lane->outstanding--;
  }
}

void ShardProducers::OnEvent(Event&& event) {
  // A fatal error is never dropped: it is what the recovery waits for.
  if (events_.size() >= kEventsMax && !event.fatal) {
    events_dropped_++;
    return;
  }
  events_.push_back(std::move(event));
}

}  // namespace millrace
