import type { Connection } from './connection.js';
import type { Counters } from './counters.js';
import type { Faults } from './faults.js';
import type { BrokerHooks, Settings } from './options.js';
import type { Recorder } from './recorder.js';
import type { SessionStore } from './session/session-store.js';
import type { RetainedMessages } from './topic/retained.js';
import type { SubscriptionIndex } from './topic/subscription-index.js';

/** What the handlers share. */
export interface BrokerState {
  readonly settings: Settings;
  readonly hooks: BrokerHooks;
  readonly counters: Counters;
  readonly faults: Faults;
  readonly sessions: SessionStore;
  readonly index: SubscriptionIndex;
  readonly retained: RetainedMessages;
  readonly recorder: Recorder;
  /** Open connections by client identifier. */
  readonly connected: Map<string, Connection>;
}
