/* KafkaRotation: which credentials the workers connect to Kafka with. Main thread.
 *
 *   in service --offer--> trying --every worker has moved--> in service
 *                          |  ^
 *                          v  |  a worker says why, and tries on
 *                         refused
 *
 * The workers do it (worker/credentials-change.ts): each tries new values beside its connections, and keeps
 * what it has for as long as they do not work.
 */
import type { FromWorker } from '../../channel/protocol.js';
import {
  type AccessToken,
  type KafkaCredentials,
  withAccessToken,
} from '../../secrets/kafka-credentials.js';
import { type Sealed, sameSealed, unseal } from '../../secrets/sealed.js';
import type { ShardPool } from '../../shard/pool.js';
import { SentCredentials } from '../../shard/sent-credentials.js';
import type { Standing } from './standing.js';

export interface KafkaRotationOptions {
  /** What the workers started with. */
  readonly inService: Sealed<KafkaCredentials>;
  readonly shards: number;
  readonly setCredentials: ShardPool['setCredentials'];
  readonly standing: Standing;
  readonly onInService: (values: Sealed<KafkaCredentials>) => void;
}

export class KafkaRotation {
  readonly #options: KafkaRotationOptions;
  readonly #sent: SentCredentials;
  #token: AccessToken | undefined;
  /** By shard: the newest that its worker has moved to. */
  readonly #inUse: number[];

  constructor(options: KafkaRotationOptions) {
    this.#options = options;
    this.#sent = new SentCredentials(options.inService);
    this.#inUse = new Array<number>(options.shards).fill(0);
    this.#token = unseal(options.inService).token;
  }

  /** Other values of secrets and config maps. */
  offer(values: Sealed<KafkaCredentials>): void {
    this.#set(this.#token === undefined ? values : withAccessToken(values, this.#token));
  }

  /** A first access token, or another one. */
  offerToken(token: AccessToken): void {
    this.#token = token;
    this.#set(withAccessToken(this.#sent.newest.kafkaCredentials, token));
  }

  onMessage(shard: number, message: FromWorker): void {
    const { standing } = this.#options;
    if (message.kind === 'credentialsInUse') this.#onMoved(shard, message.generation);
    else if (message.kind === 'credentialsRefused' && this.#isNewest(message)) {
      standing.refused(message.reason, message.detail);
    } else if (message.kind === 'credentialsUntried' && this.#isNewest(message)) {
      standing.untried(message.reason, message.detail);
    }
  }

  #isNewest({ generation }: { readonly generation: number }): boolean {
    return generation === this.#sent.newest.generation;
  }

  #set(kafkaCredentials: Sealed<KafkaCredentials>): void {
    if (sameSealed(kafkaCredentials, this.#sent.newest.kafkaCredentials)) return;
    const { standing, setCredentials } = this.#options;
    standing.changeFound();
    this.#sent.add({ generation: setCredentials(kafkaCredentials), kafkaCredentials });
  }

  /** What every worker has moved to is in service, also where there are newer values by now. */
  #onMoved(shard: number, generation: number): void {
    const { standing, onInService } = this.#options;
    this.#inUse[shard] = Math.max(this.#inUse[shard] ?? 0, generation);
    const before = this.#sent.inUse.kafkaCredentials;
    if (!this.#sent.use(Math.min(...this.#inUse))) return;
    const { inUse, newest } = this.#sent;
    onInService(inUse.kafkaCredentials);
    if (inUse !== newest) return;
    if (sameSealed(before, inUse.kafkaCredentials)) standing.withdrawn();
    else standing.inService();
  }
}
