/* What a Kafka has of the topics and groups that somebody means to use, and what it lets us do with them.
 * Main side's `doctor` asks; nothing here is on the data path.
 *
 * It changes nothing at Kafka: no question makes a topic, a group, a record or an offset. The first client
 * that looks for the coordinator of any group has Kafka make its own topic __consumer_offsets, so groups
 * are only asked about where that is there already. Where Kafka does not let us see that topic they are
 * asked about too, for that says nothing of whether it is there, and any Kafka with ACLs hides it.
 */
import { setTimeout } from 'node:timers/promises';
import type {
  InspectedGroup,
  InspectedTopic,
  InspectionRequest,
  KafkaInspection,
} from '../channel/kafka-inspection.js';
import {
  ADMIN_GROUPS,
  ADMIN_TOPIC_LIMITS,
  ADMIN_TOPICS,
  type AdminAnswer,
  type AdminEvent,
  type AdminItem,
  EVENT_LOG,
  EVENT_STATISTICS,
  OPERATION_READ,
  OPERATION_WRITE,
  OPERATIONS_UNTOLD,
} from './addon.js';
import { AdminClient, NAMES_MAX } from './admin-client.js';
import { addressIn, type ConnectionFault, tokenFault } from './connection-fault.js';
import { connectionNews, isCertain } from './connection-news.js';
import {
  GROUP_AUTHORIZATION_FAILED,
  groupRefusal,
  isComing,
  isUnanswered,
  TOPIC_AUTHORIZATION_FAILED,
  topicRefusal,
  UNKNOWN_TOPIC_OR_PART,
} from './refusal.js';
import type { KafkaAccess } from './security-properties.js';
import { brokersKnown, type KnownBroker } from './statistics.js';

const OFFSETS_TOPIC = '__consumer_offsets';
const CONNECT_MS_MIN = 1000;
const CONNECT_MS_MAX = 30_000;
/** An attempt that times out is to be known before the whole is over. */
const CONNECT_SHARE = 0.8;
const AGAIN_MS = 250;
const INT32_MAX = 2 ** 31 - 1;

/**
 * Resolves within about `timeoutMs`, however Kafka does; sooner where no server of bootstrapServers could
 * ever let us in. Never rejects for what Kafka or the network does; throws for names that cannot be sent,
 * such as an empty one.
 */
export async function inspectKafka(
  access: KafkaAccess,
  request: InspectionRequest,
): Promise<KafkaInspection> {
  const inspection = new Inspection(access, request);
  try {
    return await inspection.run();
  } finally {
    inspection.close();
  }
}

/** What came of one question about many names. */
type Findings = ReadonlyMap<string, AdminItem>;

class Inspection {
  readonly #access: KafkaAccess;
  readonly #request: InspectionRequest;
  readonly #deadlineMs: number;
  /** Of bootstrapServers those that could let us in still, as far as we know. */
  readonly #hopeful: Set<string>;
  #client: AdminClient | undefined;
  #brokers: readonly KnownBroker[] = [];
  #onBrokers: () => void = () => {};
  #fault: ConnectionFault | undefined;
  #isAnswered = false;
  #isUnanswered = false;

  constructor(access: KafkaAccess, request: InspectionRequest) {
    this.#access = access;
    this.#request = request;
    this.#deadlineMs = performance.now() + request.timeoutMs;
    const servers = access.kafka.bootstrapServers.split(',').map((each) => each.trim());
    this.#hopeful = new Set(servers.filter((each) => each !== ''));
  }

  async run(): Promise<KafkaInspection> {
    this.#fault = tokenFault(this.#access, Date.now());
    if (this.#fault !== undefined || !this.#open()) return this.#result(new Map(), new Map());
    const topics = [...new Set(this.#request.topics)];
    const groups = [...new Set(this.#request.groups)];
    const [found, limits] = await Promise.all([
      this.#askAll(ADMIN_TOPICS, [...new Set([...topics, OFFSETS_TOPIC])]),
      this.#askAll(ADMIN_TOPIC_LIMITS, topics),
    ]);
    // Elsewhere its first look for a coordinator would make that topic.
    const askable = found.get(OFFSETS_TOPIC)?.code !== UNKNOWN_TOPIC_OR_PART;
    const told = await this.#askGroups(askable && this.#isAnswered ? groups : []);
    await this.#seeBrokers();
    return this.#result(found, told, limits);
  }

  close(): void {
    this.#client?.close();
  }

  #open(): boolean {
    const connectMs = Math.floor(this.#request.timeoutMs * CONNECT_SHARE);
    try {
      this.#client = new AdminClient(this.#access, {
        connectMs: Math.min(Math.max(connectMs, CONNECT_MS_MIN), CONNECT_MS_MAX),
        onEvent: (event) => this.#onEvent(event),
      });
    } catch (error) {
      this.#fault = { reason: 'authentication', detail: (error as Error).message };
    }
    return this.#client !== undefined;
  }

  /** Whoever was answered knows the brokers, and says so at its next statistics. */
  async #seeBrokers(): Promise<void> {
    if (!this.#isAnswered || this.#brokers.length > 0) return;
    const leftMs = Math.max(0, this.#deadlineMs - performance.now());
    const seen = new Promise<void>((resolve) => {
      this.#onBrokers = resolve;
    });
    await Promise.race([seen, setTimeout(leftMs, undefined, { ref: false })]);
  }

  #onEvent(event: AdminEvent): void {
    if (event.kind === EVENT_STATISTICS) {
      this.#brokers = brokersKnown(event.text);
      if (this.#brokers.length > 0) this.#onBrokers();
    }
    const { fault } = connectionNews({ ...event }, this.#access.kafka);
    if (fault === undefined || event.kind !== EVENT_LOG) return;
    // What comes after what is certain is only its echo.
    if (this.#fault === undefined || !isCertain(this.#fault) || isCertain(fault))
      this.#fault = fault;
    // librdkafka tells of a fault once, however often it meets it: there is no second one to wait for.
    if (isCertain(fault) || fault.reason === 'protocol') {
      this.#hopeful.delete(addressIn(event.text) ?? '');
    }
    if (this.#hopeful.size === 0 && !this.#isAnswered) this.close();
  }

  async #ask(question: number, names: readonly string[]): Promise<AdminAnswer> {
    const leftMs = Math.max(1, Math.ceil(this.#deadlineMs - performance.now()));
    const answer = await (this.#client as AdminClient).ask(question, names, leftMs);
    if (answer.code === 0) this.#isAnswered = true;
    if (isUnanswered(answer.code)) this.#isUnanswered = true;
    return answer;
  }

  async #askAll(question: number, names: readonly string[]): Promise<Findings> {
    const slices: Promise<Findings>[] = [];
    for (let at = 0; at < names.length; at += NAMES_MAX) {
      const slice = names.slice(at, at + NAMES_MAX);
      slices.push(this.#ask(question, slice).then((answer) => findingsOf(answer, slice)));
    }
    return new Map((await Promise.all(slices)).flatMap((each) => [...each]));
  }

  /** A Kafka that has just started has no coordinators yet, and has them a moment later. */
  async #askGroups(names: readonly string[]): Promise<Findings> {
    const findings = new Map(await this.#askAll(ADMIN_GROUPS, names));
    for (;;) {
      const coming = names.filter((name) => isComing(findings.get(name)?.code ?? 0));
      if (coming.length === 0 || this.#deadlineMs - performance.now() < 2 * AGAIN_MS) {
        return findings;
      }
      await setTimeout(AGAIN_MS);
      for (const [name, item] of await this.#askAll(ADMIN_GROUPS, coming)) findings.set(name, item);
    }
  }

  #result(topics: Findings, groups: Findings, limits: Findings = new Map()): KafkaInspection {
    const { timeoutMs } = this.#request;
    const everything = this.#isAnswered && !this.#isUnanswered;
    // Where Kafka has said nothing at all, the fault is all that there is to say.
    const told = (findings: Findings, name: string) =>
      this.#isAnswered ? findings.get(name) : undefined;
    const silence: ConnectionFault = {
      reason: 'timeout',
      detail: `${this.#access.kafka.bootstrapServers} did not answer within ${timeoutMs} ms`,
    };
    return {
      fault: everything ? undefined : (this.#fault ?? silence),
      brokers: this.#brokers,
      topics: this.#request.topics.map((name) =>
        topicOf(name, told(topics, name), limits.get(name)),
      ),
      groups: this.#request.groups.map((name) => groupOf(name, told(groups, name))),
    };
  }
}

/** Of a name that the answer leaves out, what became of the question as a whole. */
function findingsOf({ code, items }: AdminAnswer, names: readonly string[]): Findings {
  const findings = new Map(items.map((item) => [item.name, item]));
  for (const name of names) {
    if (!findings.has(name) && code !== 0) findings.set(name, { ...NOTHING_TOLD, name, code });
  }
  return findings;
}

const NOTHING_TOLD: Omit<AdminItem, 'name' | 'code'> = {
  partitions: 0,
  operations: OPERATIONS_UNTOLD,
  value: '',
};

function topicOf(
  name: string,
  found: AdminItem | undefined,
  limit: AdminItem | undefined,
): InspectedTopic {
  const code = found?.code ?? 0;
  // Read and Write both imply Describe: who may not see it may not use it either.
  const isHidden = code === TOPIC_AUTHORIZATION_FAILED;
  return {
    name,
    exists: existsBy(found),
    partitions: found?.partitions ?? 0,
    error: topicRefusal(code, name),
    maxMessageBytes: limit === undefined ? undefined : byteCount(limit.value),
    mayWrite: isHidden ? false : may(found, OPERATION_WRITE),
    mayRead: isHidden ? false : may(found, OPERATION_READ),
  };
}

function existsBy(found: AdminItem | undefined): boolean | undefined {
  if (found?.code === 0) return true;
  return found?.code === UNKNOWN_TOPIC_OR_PART ? false : undefined;
}

function groupOf(name: string, found: AdminItem | undefined): InspectedGroup {
  const code = found?.code ?? 0;
  return {
    name,
    mayJoin: code === GROUP_AUTHORIZATION_FAILED ? false : may(found, OPERATION_READ),
    error: groupRefusal(code, name),
  };
}

function may(found: AdminItem | undefined, operation: number): boolean | undefined {
  if (found === undefined || found.code !== 0) return undefined;
  return found.operations === OPERATIONS_UNTOLD ? undefined : (found.operations & operation) !== 0;
}

/** Kafka has it as a 32-bit integer; undefined for what is none. */
function byteCount(text: string): number | undefined {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : undefined;
  return value === undefined || value > INT32_MAX ? undefined : value;
}
