import assert from 'node:assert/strict';
import t from 'tap';
import { type ServerLimits, serverLimits } from '../../../src/mqtt/connack.js';
import { Outbound } from '../../../src/mqtt/send/outbound.js';
import { Output } from '../../../src/mqtt/send/output.js';
import { outgoing, publishesIn } from '../../support/outgoing.js';
import { forSeeds, type Random } from '../../support/random.js';

/* Outbound with eight packet identifiers against a model that a reader can believe: a list. */

const PACKET_IDS = 8;

interface Sent {
  readonly delivery: number;
  packetId: number;
  /** Sent over this connection; else to be sent again with DUP, or anew. */
  state: 'sent' | 'again' | 'anew';
}

class Model {
  readonly #random: Random;
  readonly outbound: Outbound;
  /** In the order in which they were sent first. */
  list: Sent[] = [];
  /** Identifiers of what was not sent again although the server may have it. */
  gone: number[] = [];
  /** Deliveries that are nobody's any more. */
  readonly vanished = new Set<number>();
  readonly pubacks: [delivery: number, reasonCode: number][] = [];
  #connected = false;
  #receiveMaximum = 0;
  #acknowledged = false;
  #warned = 0;
  warnings = 0;
  #written: Buffer[] = [];
  #nextDelivery = -3;

  constructor(random: Random) {
    this.#random = random;
    this.outbound = new Outbound({
      firstPacketId: 1,
      lastPacketId: PACKET_IDS,
      events: {
        onPuback: (delivery, reasonCode) => this.pubacks.push([delivery, reasonCode]),
        onWritable: () => assert.ok(this.outbound.writable),
        onResend: (delivery, publish) => {
          if (this.vanished.has(delivery)) return false;
          outgoing({ payload: Buffer.from(`${delivery}`) }, publish);
          return true;
        },
        onWarning: () => this.warnings++,
      },
    });
  }

  step(): void {
    const random = this.#random;
    const action = random.below(20);
    if (!this.#connected) {
      if (action < 8) this.#connect();
      else if (action < 10) this.#vanish();
    } else if (action < 9) this.#publish();
    else if (action < 14) this.#puback();
    else if (action < 15) this.#latePuback();
    else if (action < 16) this.#strangerPuback();
    else if (action < 18) this.#batchEnd();
    else if (action < 19) this.#vanish();
    else {
      this.outbound.onDisconnected();
      this.#connected = false;
    }
    this.#check();
  }

  get #unsent(): Sent[] {
    return this.list.filter(({ state }) => state !== 'sent');
  }

  get #taken(): Set<number> {
    const using = this.list.filter(({ state }) => state !== 'anew');
    return new Set([...using.map(({ packetId }) => packetId), ...this.gone]);
  }

  #connect(): void {
    const sessionPresent = this.#random.chance(0.7);
    this.#receiveMaximum = this.#random.between(1, 10);
    for (const sent of this.list) {
      if (!sessionPresent) sent.state = 'anew';
      else if (sent.state === 'sent') sent.state = 'again';
    }
    this.gone = [];
    this.#connected = true;
    this.#acknowledged = false;
    this.#warned = this.warnings;
    const output = new Output(
      (bytes) => this.#written.push(Buffer.from(bytes)),
      () => 0,
    );
    const limits: ServerLimits = {
      ...serverLimits({ cmd: 'connack', sessionPresent, reasonCode: 0 }),
      receiveMaximum: this.#receiveMaximum,
    };
    if (!sessionPresent) this.outbound.onSessionLost();
    this.outbound.onConnected(output, limits);
    this.#expectResends();
  }

  /** What follows when there may be room: in order, as far as the Receive Maximum goes. */
  #expectResends(): void {
    const written = publishesIn(Buffer.concat(this.#written.splice(0)));
    for (const sent of this.#unsent) {
      if (this.#sentCount >= this.#receiveMaximum) break;
      if (this.vanished.has(sent.delivery)) {
        this.list.splice(this.list.indexOf(sent), 1);
        if (sent.state === 'again') this.gone.push(sent.packetId);
        continue;
      }
      const packet = written.shift();
      assert.equal(packet?.payload.toString(), `${sent.delivery}`);
      assert.equal(packet?.dup, sent.state === 'again');
      if (sent.state === 'again') assert.equal(packet?.messageId, sent.packetId);
      else sent.packetId = packet?.messageId as number;
      sent.state = 'sent';
    }
    assert.equal(written.length, 0, 'nothing else is written');
  }

  get #sentCount(): number {
    return this.list.filter(({ state }) => state === 'sent').length;
  }

  #publish(): void {
    if (this.outbound.credit === 0) return;
    const delivery = this.#nextDelivery++;
    const taken = this.#taken;
    const payload = Buffer.from(`${delivery}`);
    const packetId = this.outbound.publish(outgoing({ payload }), delivery);
    assert.ok(packetId >= 1 && packetId <= PACKET_IDS && !taken.has(packetId));
    this.list.push({ delivery, packetId, state: 'sent' });
    this.outbound.flush();
    const [packet] = publishesIn(Buffer.concat(this.#written.splice(0)));
    assert.equal(packet?.messageId, packetId);
    assert.equal(packet?.dup, false);
  }

  #puback(): void {
    this.#acknowledge(this.list.filter(({ state }) => state === 'sent'));
  }

  /** Of a server that acknowledges over the new connection what came over the one before. */
  #latePuback(): void {
    this.#acknowledge(this.list.filter(({ state }) => state === 'again'));
    const packetId = this.gone.pop();
    if (packetId === undefined) return;
    this.outbound.onPuback(packetId, 0);
    this.#acknowledged = true;
  }

  #acknowledge(candidates: readonly Sent[]): void {
    if (candidates.length === 0) return;
    const sent = this.#random.pick(candidates);
    const reasonCode = this.#random.pick([0, 0x10, 0x97]);
    this.pubacks.length = 0;
    this.outbound.onPuback(sent.packetId, reasonCode);
    assert.deepEqual(this.pubacks.splice(0), [[sent.delivery, reasonCode]]);
    this.list.splice(this.list.indexOf(sent), 1);
    this.#acknowledged = true;
  }

  #strangerPuback(): void {
    const packetId = this.#random.below(PACKET_IDS + 3);
    if (this.#taken.has(packetId)) return;
    this.outbound.onPuback(packetId, 0);
    assert.equal(this.warnings, this.#warned + 1, 'warned of once a connection');
  }

  #batchEnd(): void {
    this.outbound.onBatchEnd();
    if (this.#acknowledged) this.#expectResends();
    this.#acknowledged = false;
  }

  #vanish(): void {
    if (this.list.length > 0) this.vanished.add(this.#random.pick(this.list).delivery);
  }

  #check(): void {
    const free = PACKET_IDS - this.#taken.size - this.list.filter(isAnew).length;
    const ready = this.#connected && this.#unsent.length === 0;
    assert.equal(this.outbound.writable, ready);
    const credit = ready ? Math.min(this.#receiveMaximum - this.#sentCount, free) : 0;
    assert.equal(this.outbound.credit, credit);
    assert.equal(this.outbound.inFlight, this.list.length);
    assert.ok(this.#sentCount <= Math.max(this.#receiveMaximum, 0));
    assert.deepEqual(this.pubacks, []);
    assert.equal(this.#written.length, 0);
  }
}

function isAnew({ state }: Sent): boolean {
  return state === 'anew';
}

t.test('whatever is sent, acknowledged, lost and resumed, it is as the model has it', (t) =>
  forSeeds(t, 1_500, (random) => {
    const model = new Model(random);
    for (let step = 0; step < 200; step++) model.step();
  }),
);
