#include "consumer.h"

#include "arguments.h"
#include "conf.h"
#include "sasl.h"
#include "wake.h"

namespace millrace {
namespace {

// What one turn moves at most, so that the worker's loop gets its turn too.
constexpr uint64_t kBytesPerTurn = 8u << 20;
constexpr int kBatchesPerTurn = 16;

bool ReadPartition(Napi::Value value, int32_t* out) {
  double number;
  if (!ReadWhole(value, 0, kPartitionsMax - 1, &number)) return false;
  *out = static_cast<int32_t>(number);
  return true;
}

bool ReadPartitions(Napi::Value value, std::vector<int32_t>* out) {
  if (!value.IsArray()) return false;
  const Napi::Array array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); i++) {
    int32_t partition;
    if (!ReadPartition(array.Get(i), &partition)) return false;
    out->push_back(partition);
  }
  return true;
}

// Offsets from 0 on, and librdkafka's logical ones: beginning, end, stored, none.
bool ReadOffsets(Napi::Value value, std::vector<PartitionOffset>* out) {
  if (!value.IsArray()) return false;
  const Napi::Array array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); i++) {
    const Napi::Value item = array.Get(i);
    if (item.IsEmpty() || !item.IsObject()) return false;
    PartitionOffset each;
    double offset;
    const Napi::Value partition = item.As<Napi::Object>().Get("partition");
    if (!ReadPartition(partition, &each.partition)) return false;
    if (!ReadWhole(item.As<Napi::Object>().Get("offset"), RD_KAFKA_OFFSET_INVALID, kWholeMax, &offset)) {
      return false;
    }
    each.offset = static_cast<int64_t>(offset);
    const bool logical = each.offset == RD_KAFKA_OFFSET_BEGINNING ||
                         each.offset == RD_KAFKA_OFFSET_END ||
                         each.offset == RD_KAFKA_OFFSET_STORED ||
                         each.offset == RD_KAFKA_OFFSET_INVALID;
    if (each.offset < 0 && !logical) return false;
    out->push_back(each);
  }
  return true;
}

// What a getter or a proxy threw stays what JavaScript sees.
Napi::Value RefuseUnlessThrown(Napi::Env env, const char* usage) {
  return env.IsExceptionPending() ? env.Undefined() : Refuse(env, usage);
}

Napi::Value ToObject(Napi::Env env, const ConsumerEvent& event) {
  Napi::Object item = Napi::Object::New(env);
  item.Set("kind", Napi::Number::New(env, static_cast<uint32_t>(event.kind)));
  item.Set("code", Napi::Number::New(env, event.code));
  item.Set("fatal", Napi::Boolean::New(env, event.fatal));
  item.Set("token", Napi::Number::New(env, event.token));
  Napi::Array partitions = Napi::Array::New(env, event.partitions.size());
  for (uint32_t i = 0; i < event.partitions.size(); i++) {
    Napi::Object each = Napi::Object::New(env);
    each.Set("partition", Napi::Number::New(env, event.partitions[i].partition));
    each.Set("offset", Napi::Number::New(env, static_cast<double>(event.partitions[i].offset)));
    partitions.Set(i, each);
  }
  item.Set("partitions", partitions);
  item.Set("text", Napi::String::New(env, event.text));
  return item;
}

}  // namespace

Napi::Function ConsumerHandle::Define(Napi::Env env) {
  return DefineClass(env, "Consumer",
                     {
                         InstanceMethod<&ConsumerHandle::Turn>("turn"),
                         InstanceMethod<&ConsumerHandle::TakeEvents>("takeEvents"),
                         InstanceMethod<&ConsumerHandle::Assign>("assign"),
                         InstanceMethod<&ConsumerHandle::Unassign>("unassign"),
                         InstanceMethod<&ConsumerHandle::Drop>("drop"),
                         InstanceMethod<&ConsumerHandle::Commit>("commit"),
                         InstanceMethod<&ConsumerHandle::SetCredentials>("setCredentials"),
                         InstanceMethod<&ConsumerHandle::SetToken>("setToken"),
                         InstanceMethod<&ConsumerHandle::Pause>("pause"),
                         InstanceMethod<&ConsumerHandle::Resume>("resume"),
                         InstanceMethod<&ConsumerHandle::Close>("close"),
                         InstanceMethod<&ConsumerHandle::Destroy>("destroy"),
                     });
}

// new Consumer(properties, topic, ring, large, wakeFd, mainFd, alone?)
ConsumerHandle::ConsumerHandle(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<ConsumerHandle>(info) {
  Napi::Env env = info.Env();
  if (!BindMemory(info)) {
    Refuse(env,
           "Consumer(properties, topic, ring, large, wakeFd, mainFd): ring and large are Uint8Arrays "
           "of shared memory, ring of a ring's size, the last two descriptors");
    return;
  }
  ConfPtr conf = ReadConf(info[0].As<Napi::Object>());
  if (conf == nullptr) return;
  std::string reason;
  const bool alone = info[6].IsBoolean() && info[6].As<Napi::Boolean>().Value();
  consumer_ =
      KafkaConsumer::Open(std::move(conf), info[1].As<Napi::String>(), wake_fd_, alone, &reason);
  if (consumer_ == nullptr) Refuse(env, "librdkafka: " + reason);
}

ConsumerHandle::~ConsumerHandle() { End(); }

bool ConsumerHandle::BindMemory(const Napi::CallbackInfo& info) {
  if (info.Length() < 6 || !info[0].IsObject() || !info[1].IsString() || !AllNumbers(info, 4, 2) ||
      !IsSharedBytes(info[2]) || !IsSharedBytes(info[3])) {
    return false;
  }
  Napi::Uint8Array ring = info[2].As<Napi::Uint8Array>();
  Napi::Uint8Array large = info[3].As<Napi::Uint8Array>();
  if (!RecordWriter::Fits(ring.Data(), ring.ByteLength(), large.ByteLength())) return false;
  writer_ = RecordWriter(Ring(ring.Data(), ring.ByteLength()), {large.Data(), large.ByteLength()},
                         info[5].As<Napi::Number>().Int32Value());
  ring_memory_ = Napi::Persistent(ring);
  large_memory_ = Napi::Persistent(large);
  wake_fd_ = info[4].As<Napi::Number>().Int32Value();
  return true;
}

/** Whether there is a consumer to call. Otherwise an exception is pending. */
bool ConsumerHandle::Open(const Napi::CallbackInfo& info, const char* name) {
  if (consumer_ == nullptr) Refuse(info.Env(), std::string(name) + ": destroyed");
  return consumer_ != nullptr;
}

// turn(): ConsumerFlags
Napi::Value ConsumerHandle::Turn(const Napi::CallbackInfo& info) {
  if (!Open(info, "turn")) return info.Env().Undefined();
  consumer_->Serve(&taken_);
  uint32_t flags = consumer_->closing() ? 0 : MoveRecords();
  if (consumer_->has_events()) flags |= kConsumerEvents;
  return Napi::Number::New(info.Env(), flags);
}

uint32_t ConsumerHandle::MoveRecords() {
  uint64_t bytes = 0;
  bool more = true;
  for (int batch = 0; batch < kBatchesPerTurn && bytes < kBytesPerTurn; batch++) {
    while (!WriteTaken(&bytes)) {
      if (bytes >= kBytesPerTurn) return kConsumerMore;
      if (writer_.Block()) return kConsumerBlocked;
    }
    if (!more) return 0;
    more = consumer_->Take(&taken_);
  }
  return kConsumerMore;
}

/** Writes what was taken, and shows it to main. False: some is left, for want of room or budget. */
bool ConsumerHandle::WriteTaken(uint64_t* bytes) {
  while (!taken_.empty() && *bytes < kBytesPerTurn) {
    const rd_kafka_message_t& record = taken_.front();
    const RecordWriter::Placed placed = writer_.Place(record);
    if (placed.bytes == 0) break;
    *bytes += placed.bytes;
    if (placed.headers != RD_KAFKA_RESP_ERR_NO_ERROR) {
      ConsumerEvent event{ConsumerEvent::Kind::kError, placed.headers};
      event.partitions = {{record.partition, record.offset}};
      event.text = "a record's headers cannot be read; it goes without them";
      consumer_->Emit(std::move(event));
    }
    taken_.Pop();
  }
  writer_.Publish();
  return taken_.empty();
}

// takeEvents(): { kind, code, fatal, token, partitions: { partition, offset }[], text }[]
Napi::Value ConsumerHandle::TakeEvents(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!Open(info, "takeEvents")) return env.Undefined();
  const std::vector<ConsumerEvent> events = consumer_->TakeEvents();
  Napi::Array out = Napi::Array::New(env, events.size());
  for (uint32_t i = 0; i < events.size(); i++) {
    Napi::HandleScope scope(env);
    out.Set(i, ToObject(env, events[i]));
  }
  return out;
}

// assign({ partition, offset }[]): answers an assignment
Napi::Value ConsumerHandle::Assign(const Napi::CallbackInfo& info) {
  std::vector<PartitionOffset> partitions;
  if (!ReadOffsets(info[0], &partitions)) {
    return RefuseUnlessThrown(info.Env(), "assign({ partition, offset }[])");
  }
  // After the arguments: a getter among them may do anything, even destroy the consumer.
  if (!Open(info, "assign")) return info.Env().Undefined();
  consumer_->Assign(partitions);
  RingSelf();
  return info.Env().Undefined();
}

// unassign(partitions): answers a revocation; they are dropped too
Napi::Value ConsumerHandle::Unassign(const Napi::CallbackInfo& info) {
  std::vector<int32_t> partitions;
  if (!ReadPartitions(info[0], &partitions)) {
    return RefuseUnlessThrown(info.Env(), "unassign(partitions)");
  }
  if (!Open(info, "unassign")) return info.Env().Undefined();
  consumer_->Unassign(partitions);
  ForgetDropped();
  return info.Env().Undefined();
}

// drop(partitions): nothing of them is written from here on, until they are assigned again
Napi::Value ConsumerHandle::Drop(const Napi::CallbackInfo& info) {
  std::vector<int32_t> partitions;
  if (!ReadPartitions(info[0], &partitions)) {
    return RefuseUnlessThrown(info.Env(), "drop(partitions)");
  }
  if (!Open(info, "drop")) return info.Env().Undefined();
  consumer_->Drop(partitions);
  ForgetDropped();
  return info.Env().Undefined();
}

// At once: by the time that there is room, a partition may have been assigned again, elsewhere.
void ConsumerHandle::ForgetDropped() {
  taken_.Keep([this](int32_t partition) { return consumer_->Flows(partition); });
  RingSelf();
}

// commit({ partition, offset }[], token): ends as a commit event
Napi::Value ConsumerHandle::Commit(const Napi::CallbackInfo& info) {
  std::vector<PartitionOffset> offsets;
  double token;
  if (!ReadOffsets(info[0], &offsets) || !ReadWhole(info[1], 0, UINT32_MAX, &token)) {
    return RefuseUnlessThrown(info.Env(), "commit({ partition, offset }[], token)");
  }
  if (!Open(info, "commit")) return info.Env().Undefined();
  consumer_->Commit(offsets, static_cast<uint32_t>(token));
  RingSelf();
  return info.Env().Undefined();
}

// setCredentials(username, password): string | undefined
Napi::Value ConsumerHandle::SetCredentials(const Napi::CallbackInfo& info) {
  if (!AreCredentials(info, 0)) return Refuse(info.Env(), "setCredentials(username, password)");
  if (!Open(info, "setCredentials")) return info.Env().Undefined();
  return millrace::SetCredentials(info, 0, consumer_->handle());
}

// setToken(value, expiresAtMs, principal): string | undefined
Napi::Value ConsumerHandle::SetToken(const Napi::CallbackInfo& info) {
  if (!AreOfToken(info, 0)) return Refuse(info.Env(), "setToken(value, expiresAtMs, principal)");
  if (!Open(info, "setToken")) return info.Env().Undefined();
  return millrace::SetToken(info, 0, consumer_->handle());
}

// pause(): no more records of all partitions, assigned now or later, while the group is kept
Napi::Value ConsumerHandle::Pause(const Napi::CallbackInfo& info) {
  if (Open(info, "pause")) consumer_->SetPaused(true);
  return info.Env().Undefined();
}

Napi::Value ConsumerHandle::Resume(const Napi::CallbackInfo& info) {
  if (Open(info, "resume")) consumer_->SetPaused(false);
  return info.Env().Undefined();
}

// close(): leaves the group; ends as a closed event, after a revocation that is to be answered
Napi::Value ConsumerHandle::Close(const Napi::CallbackInfo& info) {
  if (!Open(info, "close")) return info.Env().Undefined();
  consumer_->Close();
  taken_.Clear();
  RingSelf();
  return info.Env().Undefined();
}

// destroy(): may be called again
Napi::Value ConsumerHandle::Destroy(const Napi::CallbackInfo& info) {
  End();
  return info.Env().Undefined();
}

// Records keep parts of the handle alive, so they go first.
void ConsumerHandle::End() {
  taken_.Clear();
  consumer_.reset();
}

/** What was asked may have become an event, which no bell of librdkafka's tells of. */
void ConsumerHandle::RingSelf() {
  if (consumer_->has_events() || !taken_.empty()) RingDoorbell(wake_fd_);
}

}  // namespace millrace
