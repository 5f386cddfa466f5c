/* OrderCheck: whether the messages of a load lie in Kafka in the order in which they were sent: those of one
 * key that went over one MQTT connection. Across connections nothing is promised.
 *
 * Which connection a message went over follows from its key, as long as no two have the same key; else
 * from its MQTT topic, which the header Topic says: every connection has topics of its own.
 */
import type { RecordRing } from '../../channel/record-ring.js';
import { STAMP_BYTES } from '../load/stamp.js';
import { type BenchOptions, keyPropertyOf, payloadOfMessages } from '../options.js';
import { HeaderCursor, numberAtEnd } from './record-parts.js';

/** What tells apart the messages that have an order among them. */
export type OrderRule =
  | { readonly kind: 'key' }
  /** Of which each has one key. */
  | { readonly kind: 'connection'; readonly connections: number }
  /** There is no order to keep. */
  | { readonly kind: 'none'; readonly why: string };

/** @param loaded over how many connections the load went */
export function orderRuleOf(options: BenchOptions, loaded: number): OrderRule {
  const { acks, topics, connections, throughBroker } = options;
  const none = (why: string): OrderRule => ({ kind: 'none', why });
  if (acks === 'zero') return none('acks zero promises none');
  if (loaded > connections) return none('more connections than were asked for share the topics');
  if (payloadOfMessages(options).every(({ bytes }) => bytes < STAMP_BYTES)) {
    return none(`payloads under ${STAMP_BYTES} bytes have no number`);
  }
  const keys = options.keys ?? topics;
  // Of a connection's topics and keys the fewer follow the more.
  if (keyPropertyOf(options) !== undefined && throughBroker !== undefined && keys < topics) {
    return none('a key has several topics, and a broker keeps the order of each topic alone');
  }
  return keys < connections ? { kind: 'connection', connections } : { kind: 'key' };
}

const TOPIC = Buffer.from('Topic');

export class OrderCheck {
  readonly #rule: OrderRule;
  /** By key or connection: the number of the last message, plus one. */
  readonly #latest: Uint32Array;
  #outOfOrder = 0;
  #notChecked: string | undefined;
  readonly #headers = new HeaderCursor();

  /** @param keys distinct ones; the number of each follows the last / of it */
  constructor(rule: OrderRule, keys: number) {
    this.#rule = rule;
    if (rule.kind === 'none') this.#notChecked = rule.why;
    const groups = {
      key: keys,
      connection: rule.kind === 'connection' ? rule.connections : 0,
      none: 0,
    };
    this.#latest = new Uint32Array(groups[rule.kind]);
  }

  /** Messages that lie behind a later one of their key and connection; undefined: that is not known. */
  get outOfOrder(): number | undefined {
    return this.#notChecked === undefined ? this.#outOfOrder : undefined;
  }

  /** Why that is not known. */
  get notChecked(): string | undefined {
    return this.#notChecked;
  }

  /** The first record of the message of that number, in the order of its partition. */
  take(record: RecordRing, sequence: number): void {
    if (this.#notChecked !== undefined) return;
    const group = this.#groupOf(record);
    const latest = this.#latest[group];
    if (latest === undefined) {
      this.#notChecked =
        'connections share keys, and records without the header Topic do not say whose they are';
    } else if (sequence < latest) this.#outOfOrder += 1;
    else this.#latest[group] = sequence + 1;
  }

  #groupOf(record: RecordRing): number {
    const { body, keyStart, headersStart } = record;
    if (this.#rule.kind !== 'connection') return numberAtEnd(body, keyStart, headersStart);
    const headers = this.#headers;
    headers.begin(record);
    while (headers.next()) {
      if (!headers.is(TOPIC)) continue;
      return numberAtEnd(body, headers.valueStart, headers.valueEnd) % this.#rule.connections;
    }
    return -1;
  }
}
