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
  #inService: Sealed<KafkaCredentials>;
  #newest: Sealed<KafkaCredentials>;
  #token: AccessToken | undefined;
  #generation = 0;
  /** Shards whose worker has moved to the newest. */
  readonly #moved = new Set<number>();

  constructor(options: KafkaRotationOptions) {
    this.#options = options;
    this.#inService = options.inService;
    this.#newest = options.inService;
    this.#token = unseal(options.inService).token;
  }

  /** Other values of secrets and config maps. */
  offer(values: Sealed<KafkaCredentials>): void {
    this.#set(this.#token === undefined ? values : withAccessToken(values, this.#token));
  }

  /** A first access token, or another one. */
  offerToken(token: AccessToken): void {
    this.#token = token;
    this.#set(withAccessToken(this.#newest, token));
  }

  onMessage(shard: number, message: FromWorker): void {
    const { standing } = this.#options;
    if (message.kind === 'credentialsRefused' && message.generation === this.#generation) {
      standing.refused(message.reason, message.detail);
    } else if (message.kind === 'credentialsInUse' && message.generation === this.#generation) {
      this.#onMoved(shard);
    }
  }

  #set(values: Sealed<KafkaCredentials>): void {
    if (sameSealed(values, this.#newest)) return;
    const { standing, setCredentials } = this.#options;
    this.#newest = values;
    this.#moved.clear();
    standing.changeFound();
    this.#generation = setCredentials(values);
  }

  #onMoved(shard: number): void {
    const { shards, standing, onInService } = this.#options;
    this.#moved.add(shard);
    if (this.#moved.size < shards) return;
    const isOther = !sameSealed(this.#newest, this.#inService);
    this.#inService = this.#newest;
    if (isOther) standing.inService();
    else standing.withdrawn();
    onInService(this.#inService);
  }
}
