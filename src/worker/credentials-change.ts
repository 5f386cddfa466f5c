/* CredentialsChange: moves the clients of this worker to new credentials while they run. Worker only;
 * happens seldom. Decision 019.
 *
 *   idle --credentials--> trying --the trial connects--> moving --every client has moved--> idle
 *                          ^  |  Kafka refuses: told, and tried on      |
 *                          +--+ others                                  | others came meanwhile
 *                          ^--------------------------------------------+
 *                             no verdict for VERDICT_MS: told too
 *
 * 1. The clients keep what works until a trial has connected with what is new (worker/trial.ts).
 * 2. A password or a token is set on the clients that run. For certificates, and for another user, they are
 *    replaced: the producers by Recovery.renew, the consumers by ConsumeLoop.renew.
 * 3. Of credentials that come while others are under way the last ones count; nothing queues.
 */
import type { Clock } from '../base/clock.js';
import type {
  CredentialsChanged,
  FromWorker,
  KafkaLossReason,
  ShardTask,
} from '../channel/protocol.js';
import { type ConnectionFault, tokenFault } from '../kafka/connection-fault.js';
import { isCertain } from '../kafka/connection-news.js';
import { changeBetween } from '../kafka/login.js';
import type { ConsumeLoops } from './consume-loops.js';
import type { LiveTask } from './live-task.js';
import type { ProduceLoop } from './produce-loop.js';

/** So long is waited for a broker's verdict before it is said that there is none. */
const VERDICT_MS = 10_000;
const NOBODY: ConnectionFault = { reason: 'timeout', detail: 'no broker of the cluster answers' };

export interface CredentialsChangeOptions {
  readonly task: LiveTask;
  readonly produceLoop: Pick<ProduceLoop, 'logIn' | 'renew' | 'openTrial' | 'endTrial'>;
  readonly consumeLoops: Pick<ConsumeLoops, 'logIn' | 'renew'>;
  readonly clock: Clock;
  readonly post: (message: FromWorker) => void;
  /** Has these values taken out of all that the worker says. */
  readonly hide: (kafkaCredentials: ShardTask['kafkaCredentials']) => void;
}

export class CredentialsChange {
  readonly #options: CredentialsChangeOptions;
  /** The last that came. */
  #newest: CredentialsChanged | undefined;
  #moving = false;
  /** What was told last of why they do not work, or cannot be tried. */
  #told = '';
  /** What the trial met last that says nothing of the credentials. */
  #obstacle = NOBODY;
  #isVerdictDue = false;
  #cancelVerdict: () => void = () => {};

  constructor(options: CredentialsChangeOptions) {
    this.#options = options;
  }

  onMessage(message: CredentialsChanged): void {
    const { hide, task } = this.#options;
    hide(task.now.kafkaCredentials);
    hide(message.kafkaCredentials);
    this.#newest = message;
    this.#told = '';
    if (!this.#moving) this.#begin(message);
  }

  /** Nothing is told any more. */
  close(): void {
    this.#cancelVerdict();
  }

  #begin(message: CredentialsChanged): void {
    const { task, clock } = this.#options;
    this.#endTrial();
    const what = changeBetween(task.now.kafkaCredentials, message.kafkaCredentials);
    if (what === 'nothing') {
      this.#tellInUse(message, { abandonedRecords: 0, timedOut: false });
    } else if (what === 'login' && tokenFault(task.now, clock.wallMs()) !== undefined) {
      // Without a token that is good no connection is made: there is nothing to lose.
      this.#setLogin(message);
    } else {
      this.#try(message, what);
    }
  }

  #try(message: CredentialsChanged, what: 'login' | 'client'): void {
    const { task, produceLoop } = this.#options;
    const { kafkaCredentials } = message;
    try {
      produceLoop.openTrial(
        { ...task.now, kafkaCredentials },
        {
          onConnected: () => {
            this.#endTrial();
            if (what === 'login') this.#setLogin(message);
            else void this.#replaceClients(message);
          },
          onFault: (fault) => this.#onFault(message, fault),
        },
      );
      this.#awaitVerdict(message);
    } catch (error) {
      this.#tellRefused(message, 'authentication', (error as Error).message);
    }
  }

  /** That Kafka is not there says nothing of the credentials; it is told where it lasts. */
  #onFault(message: CredentialsChanged, fault: ConnectionFault): void {
    if (isCertain(fault)) {
      this.#cancelVerdict();
      this.#isVerdictDue = false;
      this.#tellRefused(message, fault.reason, fault.detail);
    } else {
      this.#obstacle = fault;
      if (this.#isVerdictDue) this.#tellUntried(message);
    }
  }

  #awaitVerdict(message: CredentialsChanged): void {
    this.#cancelVerdict = this.#options.clock.after(VERDICT_MS, () => {
      this.#isVerdictDue = true;
      this.#tellUntried(message);
    });
  }

  #endTrial(): void {
    this.#cancelVerdict();
    this.#isVerdictDue = false;
    this.#obstacle = NOBODY;
    this.#options.produceLoop.endTrial();
  }

  #setLogin(message: CredentialsChanged): void {
    const { task, produceLoop, consumeLoops } = this.#options;
    const { kafkaCredentials } = message;
    const fault = produceLoop.logIn(kafkaCredentials) ?? consumeLoops.logIn(kafkaCredentials);
    if (fault !== undefined) {
      this.#tellRefused(message, 'authentication', fault);
      return;
    }
    task.use(kafkaCredentials);
    this.#tellInUse(message, { abandonedRecords: 0, timedOut: false });
  }

  async #replaceClients(message: CredentialsChanged): Promise<void> {
    const { task, produceLoop, consumeLoops } = this.#options;
    this.#moving = true;
    task.use(message.kafkaCredentials);
    const [renewal] = await Promise.all([produceLoop.renew(), consumeLoops.renew()]);
    this.#moving = false;
    this.#tellInUse(message, renewal);
    const newest = this.#newest;
    if (newest !== undefined && newest !== message) this.#begin(newest);
  }

  #tellInUse(
    { generation }: CredentialsChanged,
    renewal: { readonly abandonedRecords: number; readonly timedOut: boolean },
  ): void {
    this.#options.post({ kind: 'credentialsInUse', generation, ...renewal });
  }

  #tellRefused({ generation }: CredentialsChanged, reason: KafkaLossReason, detail: string): void {
    if (detail === this.#told) return;
    this.#told = detail;
    this.#options.post({ kind: 'credentialsRefused', generation, reason, detail });
  }

  #tellUntried({ generation }: CredentialsChanged): void {
    const { reason, detail } = this.#obstacle;
    if (detail === this.#told) return;
    this.#told = detail;
    this.#options.post({ kind: 'credentialsUntried', generation, reason, detail });
  }
}
