/* The load generator: the MQTT side of a run and its Kafka clients, in a process of its own.
 *
 *   load, MQTT to Kafka: messages that it publishes, each over one of its connections
 *   feed, Kafka to MQTT: records that it writes to Kafka are awaited as PUBLISHes, and acknowledged
 *
 * Both begin at the same moment, when the connector is ready for all that there is to do. Its connections
 * are those of a connector to which it plays the broker (play-broker/), or its own to a real broker that
 * lies between (through-broker/); all else is the same.
 */
import type { LoadConnection } from './load/connection.js';
import { FeedRun } from './load/feed-run.js';
import type { RecordFeeder } from './load/feeder.js';
import { LoadRun } from './load/load-run.js';
import type { Measurement } from './load/measurement.js';
import type { MqttSide, SideContext } from './load/mqtt-side.js';
import { PlayedBroker } from './play-broker/played-broker.js';
import type { GeneratorReport, GeneratorTask, LoadReport, Progress } from './protocol.js';
import { BrokerClients } from './through-broker/broker-clients.js';
import type { SentMessages } from './verify/verification.js';

export interface GeneratorHandlers {
  /** The connector is ready: the warm-up begins. */
  readonly onLoading: () => void;
  readonly onProgress: (progress: Progress) => void;
  readonly onMeasuring: () => void;
  readonly onMeasured: (messages: number) => void;
  readonly onFinished: (report: GeneratorReport) => void;
  readonly onFailed: (message: string) => void;
}

const WATCH_EVERY_MS = 100;
const PROGRESS_EVERY_MS = 250;
/** In saturation, what each of many connections sends at once at least: fewer, larger writes. */
const SHARE_LEAST = 16;

export class LoadGenerator {
  readonly #task: GeneratorTask;
  readonly #handlers: GeneratorHandlers;
  readonly #side: MqttSide;
  readonly #loadRun: LoadRun | undefined;
  readonly #feedRun: FeedRun | undefined;
  /** One for each direction. */
  readonly #measurements: readonly Measurement[];
  readonly #timers: NodeJS.Timeout[] = [];
  /** Which connection is dealt to next. */
  #turnOf = 0;
  #outOfOrder = 0;
  #unknownPacketIds = 0;
  #connectionsLost = 0;
  #pumpAgain = false;
  #settledAtBegin = 0;
  #cpuAtBegin = process.cpuUsage();
  #measured: { readonly messages: number; readonly cpuUs: number } | undefined;
  #isOver = false;

  /** @param feeder writes the task's feed; what it is to write before is written */
  constructor(task: GeneratorTask, feeder: RecordFeeder | undefined, handlers: GeneratorHandlers) {
    this.#task = task;
    this.#handlers = handlers;
    const onMeasuring = () => this.#begin();
    const onFailed = (message: string) => this.#fail(message);
    if (task.load !== undefined) this.#loadRun = new LoadRun(task.load, onMeasuring);
    if (task.feed !== undefined && feeder !== undefined) {
      this.#feedRun = new FeedRun(task.feed, feeder, { onMeasuring, onFailed });
    }
    const runs = [this.#loadRun, this.#feedRun].filter((run) => run !== undefined);
    this.#measurements = runs.map(({ measurement }) => measurement);
    const context: SideContext = {
      loadRun: this.#loadRun,
      feedRun: this.#feedRun,
      receiveMaximum: task.receiveMaximum,
      onProgress: (nowMs) => this.#turn(nowMs),
      onLost: (connection) => this.#lose(connection),
      onFailed,
    };
    this.#side =
      task.broker === undefined
        ? new PlayedBroker(task.connections, context)
        : new BrokerClients(task.broker, task.connections, context);
  }

  /** Gives where the connector is to dial, `HOST:PORT`. */
  async open(): Promise<string> {
    return await this.#side.open();
  }

  /** Messages of the load are read from Kafka at this moment; `onRecord` for each, `endRecords` follow. */
  beginRecords(nowMs: number): void {
    this.#loadRun?.beginBurst(nowMs);
  }

  onRecord(sequence: number, dueAtMs: number, payloadBytes: number): void {
    this.#loadRun?.onRecord(sequence, dueAtMs, payloadBytes);
  }

  endRecords(nowMs: number): void {
    if (this.#loadRun?.endBurst() === true) this.#turn(nowMs);
  }

  close(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    this.#side.close();
  }

  get #started(): boolean {
    return this.#timers.length > 0;
  }

  /** Whether the connector is ready for everything. */
  #isReady(): boolean {
    const { load } = this.#task;
    return (load === undefined || this.#side.isReady) && this.#feedRun?.arrived !== false;
  }

  #start(nowMs: number): void {
    this.#handlers.onLoading();
    this.#timers.push(setInterval(() => this.#watch(), WATCH_EVERY_MS));
    this.#timers.push(setInterval(() => this.#tellProgress(), PROGRESS_EVERY_MS));
    const { load, feed } = this.#task;
    // A timer of Node's fires once a millisecond at most: what fell due since then goes out at
    // once, and latency counts from when it was due.
    if (load?.ratePerSecond !== undefined || feed?.ratePerSecond !== undefined) {
      this.#timers.push(setInterval(() => this.#turn(performance.now()), 1));
    }
    for (const measurement of this.#measurements) measurement.start(nowMs);
  }

  /** Sends what may be sent, and ends the run when there is nothing left to wait for. */
  #turn(nowMs: number): void {
    if (this.#isOver) return;
    if (!this.#started) {
      if (!this.#isReady()) return;
      this.#start(nowMs);
    }
    this.#feedRun?.turn(nowMs);
    if (this.#loadRun !== undefined) this.#turnLoad(this.#loadRun, nowMs);
    this.#lookForEnd();
  }

  #turnLoad(run: LoadRun, nowMs: number): void {
    const { schedule, measurement } = run;
    if (measurement.phase === 'finished') return;
    const again = this.#deal(run, nowMs);
    if (schedule.exhausted(nowMs) && this.#outstanding() === 0) measurement.finish();
    else if (again) this.#turnSoon();
  }

  /** Shares out what may be sent, beginning where the last turn ended; true when there may be more to
   * send at once. */
  #deal({ load, schedule, room }: LoadRun, nowMs: number): boolean {
    const { connections } = this.#side;
    const available = Math.min(schedule.available(nowMs), room);
    const end = schedule.sent + available;
    const least = load.ratePerSecond === undefined ? SHARE_LEAST : 1;
    const share = Math.max(least, Math.ceil(available / connections.length));
    let again = false;
    for (let n = 0; n < connections.length && schedule.sent < end; n += 1) {
      const connection = connections[this.#turnOf % connections.length];
      this.#turnOf = (this.#turnOf + 1) % connections.length;
      const most = Math.min(share, end - schedule.sent);
      again = connection?.pump(nowMs, most) || again;
    }
    return again && schedule.sent < end;
  }

  /** Goes on without a PUBACK that asks for more, after the sockets had their turn. */
  #turnSoon(): void {
    if (this.#pumpAgain) return;
    this.#pumpAgain = true;
    setImmediate(() => {
      this.#pumpAgain = false;
      this.#turn(performance.now());
    });
  }

  #watch(): void {
    const nowMs = performance.now();
    this.#feedRun?.watch(nowMs);
    const run = this.#loadRun;
    if (run !== undefined) {
      const idleMs = nowMs - run.measurement.lastSettledAtMs;
      const stalled = this.#outstanding() > 0 && idleMs > run.load.stallSeconds * 1000;
      if (stalled) run.measurement.finish();
    }
    this.#turn(nowMs);
  }

  #outstanding(): number {
    let outstanding = this.#loadRun?.onTheWay ?? 0;
    for (const { inFlight, flushing } of this.#side.connections) {
      outstanding += inFlight.size + flushing;
    }
    return outstanding;
  }

  #lose(connection: LoadConnection): void {
    this.#outOfOrder += connection.inFlight.outOfOrder;
    this.#unknownPacketIds += connection.inFlight.unknown;
    if (this.#isOver || !this.#started) return;
    if (connection.isIdle && this.#feedRun?.finished !== false) return;
    this.#connectionsLost += 1;
    for (const measurement of this.#measurements) measurement.finish();
    this.#lookForEnd();
  }

  /** A direction is in its measured phase. */
  #begin(): void {
    if (!this.#measurements.every(({ phase }) => phase === 'measured')) return;
    this.#settledAtBegin = this.#settled();
    this.#cpuAtBegin = process.cpuUsage();
    this.#tellProgress();
    this.#handlers.onMeasuring();
  }

  #tellProgress(): void {
    const load = this.#loadRun?.measurement.settled;
    const feed = this.#feedRun?.measurement.settled;
    this.#handlers.onProgress({
      atMs: performance.now(),
      ...(load === undefined ? {} : { load }),
      ...(feed === undefined ? {} : { feed }),
    });
  }

  #settled(): number {
    return this.#measurements.reduce((sum, { settled }) => sum + settled, 0);
  }

  #lookForEnd(): void {
    const finished = this.#measurements.filter(({ phase }) => phase === 'finished').length;
    if (finished === 0 || this.#isOver) return;
    if (this.#measured === undefined) {
      const { user, system } = process.cpuUsage(this.#cpuAtBegin);
      const messages = this.#settled() - this.#settledAtBegin;
      this.#measured = { messages, cpuUs: user + system };
      this.#tellProgress();
      this.#handlers.onMeasured(messages);
    }
    if (finished < this.#measurements.length) return;
    this.#isOver = true;
    this.#handlers.onFinished({
      load: this.#loadRun && this.#loadReport(this.#loadRun),
      feed: this.#feedRun?.report(this.#connectionsLost),
      sent: this.#loadRun && this.#sent(this.#loadRun),
      generatorCpuUsPerMessage: this.#measured.cpuUs / Math.max(1, this.#measured.messages),
    });
  }

  #loadReport({ load, schedule, measurement, acknowledged, onTheWay }: LoadRun): LoadReport {
    let outOfOrder = this.#outOfOrder;
    let unknownPacketIds = this.#unknownPacketIds;
    for (const { inFlight } of this.#side.connections) {
      outOfOrder += inFlight.outOfOrder;
      unknownPacketIds += inFlight.unknown;
    }
    const { sent } = schedule;
    const { settled, refused } = measurement;
    return {
      ...measurement.report(),
      sent,
      settled,
      unacknowledged: load.qos > 0 ? sent - acknowledged : 0,
      notInKafka: onTheWay,
      refused,
      outOfOrder,
      unknownPacketIds,
      connectionsLost: this.#connectionsLost,
    };
  }

  #sent({ load, stamps }: LoadRun): SentMessages {
    let connections = 0;
    let unstampedByKey: number[] | undefined;
    for (const { slab } of this.#side.connections) {
      if (slab === undefined) continue;
      connections += 1;
      const counts = slab.unstampedByKey(load.keys);
      unstampedByKey = unstampedByKey?.map((sum, n) => sum + (counts?.[n] ?? 0)) ?? counts;
    }
    return { stamped: stamps.sequence, checkSum: stamps.checkSum, unstampedByKey, connections };
  }

  #fail(message: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handlers.onFailed(message);
  }
}
