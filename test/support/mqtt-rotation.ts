import { setImmediate as turn } from 'node:timers/promises';
import { type MovableSession, MqttRotation } from '../../src/engine/rotation/mqtt-rotation.js';
import { ConnectionFault } from '../../src/mqtt/dial/connection-fault.js';
import type { SessionState } from '../../src/mqtt/session-options.js';
import type { MqttCredentials } from '../../src/secrets/mqtt-credentials.js';
import { type Sealed, seal, unseal } from '../../src/secrets/sealed.js';
import { ManualClock } from './manual-clock.js';
import { standingThatTells } from './standing.js';

/* An MqttRotation with a broker that takes some values and others not, and sessions that show it theirs. */

export const REFUSED_WAIT_MS = 30_000;
export const NETWORK_WAIT_MS = 1_000;
export const SESSION_RETRY_MS = 600_000;

type Values = Sealed<MqttCredentials>;

export const login = (password: string): Values => seal({ login: { username: 'u', password } });
export const token = (serviceAccountToken: string): Values => seal({ serviceAccountToken });
const nameOf = (values: Values) => {
  const { login: shown, serviceAccountToken } = unseal(values);
  return shown?.password ?? serviceAccountToken ?? '';
};

/** Passwords and tokens that the broker takes, and what else it may say. */
export class FakeBroker {
  readonly clock = new ManualClock();
  accepts = new Set<string>(['old']);
  isUp = true;
  /** What a connection with another client identifier is told, whatever it shows. */
  trialFault: ConnectionFault | undefined;
  reauthenticates = true;
  trials = 0;
  /** Of the last trial. */
  trialSignal: AbortSignal | undefined;

  fault(values: Values): ConnectionFault | undefined {
    if (!this.isUp) return new ConnectionFault('network', 'nobody listens');
    return this.accepts.has(nameOf(values))
      ? undefined
      : new ConnectionFault('authentication', `refused: ${nameOf(values).length} characters`);
  }

  async try(values: Values, signal: AbortSignal): Promise<void> {
    this.trials += 1;
    this.trialSignal = signal;
    const fault = this.isUp ? (this.trialFault ?? this.fault(values)) : this.fault(values);
    if (fault !== undefined) throw fault;
  }
}

/** Behaves as mqtt/session.ts does, as far as it matters here. */
export class FakeSession implements MovableSession {
  state: SessionState = { kind: 'idle' };
  /** While it is, no answer is seen. */
  paused = false;
  /** What it has connected with, one after another. */
  readonly connections: string[] = [];
  readonly #index: number;
  readonly #broker: FakeBroker;
  readonly #rotation: () => MqttRotation;
  #cancelWait = () => {};
  #onResumed = () => {};

  constructor(index: number, broker: FakeBroker, rotation: () => MqttRotation) {
    this.#index = index;
    this.#broker = broker;
    this.#rotation = rotation;
  }

  dial(): void {
    this.#cancelWait();
    this.#set({ kind: 'dialling' });
    const values = this.#rotation().credentialsOf(this.#index);
    const fault = this.#broker.fault(values);
    if (fault !== undefined) {
      this.#wait(fault.lossReason === 'network' ? NETWORK_WAIT_MS : REFUSED_WAIT_MS, fault);
      return;
    }
    this.connections.push(nameOf(values));
    this.#set({ kind: 'active' });
  }

  /** Reads on. */
  resume(): void {
    this.paused = false;
    this.#onResumed();
  }

  lose(): void {
    this.#wait(NETWORK_WAIT_MS, new ConnectionFault('network', 'cut'));
  }

  reconnectAtOnce(reason: string): void {
    if (this.state.kind === 'waiting') this.dial();
    else this.#wait(0, new ConnectionFault('newCredentials', reason));
  }

  async reauthenticate(): Promise<boolean> {
    const values = this.#rotation().credentialsOf(this.#index);
    await turn();
    if (this.paused) {
      await new Promise<void>((resolve) => {
        this.#onResumed = resolve;
      });
    }
    if (this.#broker.reauthenticates && this.#broker.fault(values) === undefined) {
      this.connections.push(`${nameOf(values)} by AUTH`);
      return true;
    }
    this.reconnectAtOnce('refused');
    return false;
  }

  #wait(delayMs: number, { lossReason, message }: ConnectionFault): void {
    this.#set({ kind: 'waiting', reason: message, refused: false, lossReason });
    this.#cancelWait = this.#broker.clock.after(delayMs, () => this.dial());
  }

  #set(state: SessionState): void {
    this.state = state;
    this.#rotation().onState(this.#index, state);
  }
}

export function setUp(old: Values, count = 2) {
  const broker = new FakeBroker();
  const { clock } = broker;
  const { standing, told } = standingThatTells();
  const inService: string[] = [];
  const rotation: MqttRotation = new MqttRotation({
    inService: old,
    sessions: () => sessions,
    tryConnect: (values, signal) => broker.try(values, signal),
    standing,
    onInService: (values) => inService.push(nameOf(values)),
    clock,
    random: () => 0.5,
  });
  const sessions = Array.from(
    { length: count },
    (_, index) => new FakeSession(index, broker, () => rotation),
  );
  for (const session of sessions) session.dial();
  /** Lets time pass in steps, and what is due then happen. */
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 250) {
      clock.advance(Math.min(250, ms - passed));
      for (let turns = 0; turns < 4; turns++) await turn();
    }
  };
  const connections = () => sessions.map((session) => session.connections);
  return { broker, clock, rotation, sessions, told, inService, pass, connections };
}
