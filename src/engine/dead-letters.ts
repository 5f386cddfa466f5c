/* The dead letters of one connector: the store, and who hears of what goes into it. Main thread. */
import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import type { Connector } from '../config/model.js';
import type { DeadLetter } from '../dead-letter/letter.js';
import { type DeadLetterStore, openDeadLetterStore } from '../dead-letter/store.js';
import { DeadLetterDesk } from '../flow/dead-letter-desk.js';
import type { ConnectorEvents } from '../metrics/events.js';
import type { PublishFault } from '../mqtt/receive/publish-check.js';

const DEAD_LETTERS_MAX = 10_000;
const DEAD_LETTER_BYTES_MIN = 1024 * 1024 * 1024;

export interface DeadLetterContext {
  readonly connector: Connector;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: ConnectorEvents;
}

/** Rejects with an OperatingError. */
export function openLetters(connector: Connector, folder: string): Promise<DeadLetterStore> {
  return openDeadLetterStore({
    folder,
    maxBytes: Math.max(DEAD_LETTER_BYTES_MIN, 4 * connector.maxPayloadBytes),
    maxLetters: DEAD_LETTERS_MAX,
    routes: connector.topicMaps.flatMap(({ routes }) => routes.map((route) => route.name)),
  });
}

export function openDesk(
  letters: DeadLetterStore,
  { clock, log, events }: DeadLetterContext,
): DeadLetterDesk {
  return new DeadLetterDesk(
    letters,
    clock,
    ({ route }, detail) => {
      log.error({ route, detail }, 'a dead letter cannot be stored; it is held');
      if (route !== undefined) events.route(route).holdBegan('deadLetterStore', detail);
    },
    ({ route }) => {
      if (route !== undefined) events.route(route).holdEnded();
    },
  );
}

/** Of a PUBLISH that the broker sends again and again and nobody can read; undefined: no room for it now. */
export function keepUnreadable(
  desk: DeadLetterDesk,
  { connector, clock, events }: DeadLetterContext,
  packet: Uint8Array,
  fault: PublishFault,
): Promise<void> | undefined {
  if (!desk.hasRoom) return undefined;
  const letter: DeadLetter = {
    timeMs: clock.wallMs(),
    connector: connector.name,
    route: undefined,
    direction: 'mqttToKafka',
    reason: { code: 'malformedPacket', message: `a PUBLISH with ${fault.text}` },
    mqtt: undefined,
    kafka: undefined,
    payload: packet,
  };
  return new Promise((resolve) => {
    desk.put(letter, (id) => {
      const detail = { id, topicName: '', message: letter.reason.message };
      events.route('').deadLettered('malformedPacket', detail);
      resolve();
    });
  });
}
