import assert from 'node:assert/strict';
import t from 'tap';
import type { PartitionOffset } from '../../src/channel/protocol.js';
import { NO_MATCHING_SUBSCRIBERS, QUOTA_EXCEEDED } from '../../src/mqtt/reason-code.js';
import type { Sent } from '../support/fake-publisher.js';
import { forSeeds, type Random } from '../support/random.js';
import { RecordFlows, turns } from '../support/record-flows.js';

/* Everything that can happen to a route from Kafka, at random, against a model that knows only what must
 * hold: nothing is committed that is not done under the present assignment, first deliveries keep the
 * order of their partition, a reconnect repeats what is unacknowledged and nothing else, and in the end
 * everything is done, every place free and no packet identifier taken. */

const PARTITIONS = 3;
const PACKET_IDS = 40;
const RECEIVE_MAXIMUMS = [1, 5, 20, 65_535];
const STEPS = 400;
const NOT_AUTHORIZED = 0x87;
/** Larger than what is copied to be sent. */
const LARGE_BYTES = 20_000;

interface ModelPartition {
  readonly id: number;
  /** Counts its assignments. */
  epoch: number;
  committed: number;
  /** The next record that the consumer writes, and the end of the partition. */
  next: number;
  end: number;
  /** Offsets that are done under this assignment. */
  readonly done: Set<number>;
  /** Revoked, and not released yet. */
  leaving: boolean;
}

/** One record as it was written once; its value is its place in the list of all. */
interface ModelRecord {
  readonly partition: ModelPartition;
  readonly epoch: number;
  readonly offset: number;
  sends: number;
  /** The MQTT session that has seen it. */
  session: number;
  isHeld: boolean;
}

class Model {
  readonly #random: Random;
  readonly #flows: RecordFlows;
  readonly #holds: boolean;
  readonly #partitions: readonly ModelPartition[];
  readonly #records: ModelRecord[] = [];
  /** What the broker got over this connection and did not acknowledge, in order. */
  #unacknowledged: { readonly packetId: number; readonly record: ModelRecord }[] = [];
  /** What this connection has to repeat before it sends anything new. */
  #toRepeat: ModelRecord[] = [];
  #connected = false;
  #session = 0;
  /** By assignment and topic, and by assignment for topics that are never held: what was sent last. */
  readonly #lastFirst = new Map<string, number>();
  #revocations = 0;
  readonly #revoking = new Map<number, readonly ModelPartition[]>();

  constructor(random: Random) {
    this.#random = random;
    this.#holds = random.chance(0.5);
    const route = {
      onNoSubscriber: this.#holds ? ('hold' as const) : ('accept' as const),
      commitIntervalMs: random.pick([0, 100, 1_000]),
      revokeTimeoutMs: 2_000,
    };
    this.#flows = new RecordFlows([route], { packetIds: [1, PACKET_IDS] });
    this.#partitions = Array.from({ length: PARTITIONS }, (_, id) => ({
      id,
      epoch: 0,
      committed: 0,
      next: 0,
      end: 0,
      done: new Set<number>(),
      leaving: false,
    }));
  }

  async step(): Promise<void> {
    const random = this.#random;
    const dice = random.below(100);
    if (dice < 35) this.#write();
    else if (dice < 65) this.#acknowledge();
    else if (dice < 76) this.#flows.clock.advance(random.pick([1, 50, 500, 3_000, 35_000]));
    else if (dice < 81) this.#reconnect(random.chance(0.6));
    else if (dice < 84) this.#disconnect();
    else if (dice < 88) this.#revoke(false);
    else if (dice < 90) this.#revoke(true);
    else if (dice < 91) this.#loseWorker();
    else await this.#letter(random.chance(0.7));
    this.#look();
  }

  /** Everything goes well from here on. */
  async end(): Promise<void> {
    const partitions = this.#partitions;
    for (let round = 0; round < 5_000; round++) {
      if (!this.#connected) this.#reconnect(true);
      this.#answer(this.#unacknowledged.length, 0);
      while (this.#flows.letters.length > 0) await this.#letter(true);
      for (const each of partitions) while (!each.leaving && each.next < each.end) this.#put(each);
      this.#flows.ring();
      this.#flows.clock.advance(1_000);
      this.#look();
      if (partitions.every(({ committed, end }) => committed === end)) break;
    }
    for (const { id, committed, end } of partitions) {
      assert.equal(committed, end, `all of partition ${id} is committed`);
    }
    this.#answer(this.#unacknowledged.length, 0);
    const { flow, publisher } = this.#flows;
    assert.equal(flow.underWay, 0);
    assert.equal(publisher.outbound.inFlight, 0, 'no packet identifier is taken');
    assert.equal(this.#flows.usedBytes(), 0, 'every place is free');
    assert.equal(this.#flows.counters().recordsHeldNow, 0);
    assert.deepEqual(publisher.warnings, []);
    publisher.disconnect();
    publisher.connect({ sessionPresent: true });
    assert.deepEqual(publisher.takeSent(), [], 'nothing is left to be sent again');
    assert.equal(publisher.outbound.credit, PACKET_IDS);
  }

  #write(): void {
    for (let count = this.#random.between(1, 30); count > 0; count--) {
      const partition = this.#random.pick(this.#partitions);
      if (!partition.leaving) this.#put(partition);
    }
    this.#flows.ring();
  }

  /** The consumer writes the next record of a partition, where there is room. */
  #put(partition: ModelPartition): void {
    const { id, epoch, next: offset } = partition;
    const kind = (offset * 7 + id) % 23;
    const key = kind === 0 ? 'not/#' : `${keyOf(id, offset)}`;
    const value = `${this.#records.length}`.padEnd(kind === 1 ? LARGE_BYTES : 0);
    assert(this.#flows.write({ partition: id, offset, key, value }), 'the ring has room');
    this.#records.push({ partition, epoch, offset, sends: 0, session: 0, isHeld: false });
    partition.next++;
    partition.end = Math.max(partition.end, partition.next);
  }

  #acknowledge(): void {
    const codes = [0, 0, 0, 0, 0, NO_MATCHING_SUBSCRIBERS, QUOTA_EXCEEDED, NOT_AUTHORIZED];
    this.#answer(this.#random.between(1, 12), this.#random.pick(codes));
  }

  #answer(count: number, reasonCode: number): void {
    if (!this.#connected) return;
    this.#look();
    const { publisher } = this.#flows;
    for (const { packetId, record } of this.#unacknowledged.splice(0, count)) {
      const code = isSteady(record) ? 0 : reasonCode;
      if (code === QUOTA_EXCEEDED || (code === NO_MATCHING_SUBSCRIBERS && this.#holds)) {
        record.isHeld = true;
      } else if (code < 0x80) this.#done(record);
      publisher.outbound.onPuback(packetId, code);
    }
    publisher.outbound.onBatchEnd();
    this.#look();
  }

  #done({ partition, epoch, offset }: ModelRecord): void {
    if (partition.epoch !== epoch) return;
    assert(!partition.done.has(offset), 'a record is done once');
    partition.done.add(offset);
  }

  /** What the dead-letter store says of the oldest letter. */
  async #letter(isStored: boolean): Promise<void> {
    const waiting = this.#flows.letters.shift();
    if (waiting === undefined) return;
    if (isStored) {
      this.#done(this.#recordOf(`${Buffer.from(waiting.letter.payload)}`));
      waiting.stored();
    } else waiting.failed();
    await turns();
    this.#look();
  }

  #disconnect(): void {
    if (!this.#connected) return;
    this.#look();
    this.#connected = false;
    this.#flows.publisher.disconnect();
    this.#toRepeat = [...this.#unacknowledged.map(({ record }) => record), ...this.#toRepeat];
    this.#unacknowledged = [];
  }

  #reconnect(sessionPresent: boolean): void {
    this.#disconnect();
    this.#connected = true;
    if (!sessionPresent) this.#session++;
    const receiveMaximum = this.#random.pick(RECEIVE_MAXIMUMS);
    this.#flows.publisher.connect({ sessionPresent, receiveMaximum });
  }

  #revoke(isLost: boolean): void {
    const some = this.#partitions.filter(({ leaving }) => !leaving && this.#random.chance(0.5));
    if (some.length === 0) return;
    this.#look();
    const revocation = ++this.#revocations;
    for (const partition of some) partition.leaving = true;
    this.#revoking.set(revocation, some);
    const ids = some.map(({ id }) => id);
    this.#flows.revoke(revocation, ids, isLost);
  }

  #loseWorker(): void {
    this.#look();
    this.#flows.loseWorker(0);
    this.#revoking.clear();
    for (const partition of this.#partitions) this.#begin(partition);
  }

  /** It is assigned again, and read from where the group stands. */
  #begin(partition: ModelPartition): void {
    partition.leaving = false;
    partition.next = partition.committed;
    partition.done.clear();
    partition.epoch++;
  }

  /** Takes what was sent and told, and judges it. */
  #look(): void {
    for (const sent of this.#flows.publisher.takeSent()) this.#onSent(sent);
    for (const message of this.#flows.told.splice(0)) {
      if (message.kind === 'close' || message.kind === 'credentials') continue;
      for (const each of message.offsets) this.#onCommit(each);
      if (message.kind === 'commit') {
        const code = this.#random.chance(0.9) ? undefined : '_TIMED_OUT';
        this.#flows.flow.onMessage({ kind: 'committed', routeIndex: 0, code });
        continue;
      }
      const partitions = this.#revoking.get(message.revocation);
      assert(partitions !== undefined, 'a revocation is answered once');
      this.#revoking.delete(message.revocation);
      for (const partition of partitions) this.#begin(partition);
    }
  }

  #onCommit({ partition: id, offset }: PartitionOffset): void {
    const partition = this.#partitions[id] as ModelPartition;
    assert(offset >= partition.committed, `${id}: ${offset} after ${partition.committed}`);
    for (let each = partition.committed; each < offset; each++) {
      assert(partition.done.has(each), `${id}:${each} is committed and not done`);
    }
    partition.committed = offset;
  }

  #onSent(sent: Sent): void {
    const record = this.#recordOf(sent.payload);
    const { packetId } = sent;
    assert(packetId >= 1 && packetId <= PACKET_IDS);
    const isTaken = this.#unacknowledged.some((other) => other.packetId === packetId);
    assert(!isTaken, `packet identifier ${packetId} is in use`);
    this.#unacknowledged.push({ packetId, record });
    const repeated = this.#toRepeat.shift();
    if (repeated !== undefined) {
      assert.equal(record, repeated, 'what is unacknowledged comes first, in its order');
      assert.equal(sent.dup, record.session === this.#session);
    } else {
      assert(!sent.dup);
      assert(record.sends === 0 || record.isHeld, 'only what was held is sent again by itself');
      if (record.sends === 0) this.#onFirst(record);
    }
    record.isHeld = false;
    record.sends++;
    record.session = this.#session;
  }

  #onFirst(record: ModelRecord): void {
    const { partition, epoch, offset } = record;
    assert.equal(epoch, partition.epoch, 'what is read under an old assignment is not sent');
    const assignment = `${partition.id}@${epoch}`;
    const places = [`${assignment} ${keyOf(partition.id, offset)}`];
    if (isSteady(record)) places.push(assignment);
    for (const place of places) {
      const last = this.#lastFirst.get(place) ?? -1;
      assert(last < offset, `${partition.id}:${offset} is sent after ${last}`);
      this.#lastFirst.set(place, offset);
    }
  }

  #recordOf(payload: string): ModelRecord {
    return this.#records[Number(payload)] as ModelRecord;
  }
}

/** Decides the topic. */
function keyOf(partition: number, offset: number): number {
  return (offset + partition) % 5;
}

/** Whether it is published to one of the topics that are never held, whose records never wait. */
function isSteady({ partition, offset }: ModelRecord): boolean {
  return keyOf(partition.id, offset) >= 3;
}

t.test('whatever happens, nothing is lost, committed too early, or left behind', async (t) => {
  await forSeeds(t, 100, async (random) => {
    const model = new Model(random);
    for (let step = 0; step < STEPS; step++) await model.step();
    await model.end();
  });
});
