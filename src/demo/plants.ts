/* Simulated plants: what their machines have to say, without a thought of when. */
import { randomFillSync } from 'node:crypto';
import type { PublishInput } from './broker/message.js';
import type { Command, ReceivedCommand } from './commands.js';
import { correlationOf, stampedJson } from './stamp.js';

/** Well over the 1 MB from which on payloads travel through shared memory. */
export const PICTURE_BYTES = 3_000_000;

const PLANTS = ['north', 'south', 'harbour'];
const MACHINES = ['press', 'mill', 'lathe', 'oven'];
const SENSORS = [
  { name: 'temperature', unit: 'C', usual: 60, step: 0.4 },
  { name: 'vibration', unit: 'mm/s', usual: 2, step: 0.05 },
  { name: 'pressure', unit: 'bar', usual: 6, step: 0.04 },
  { name: 'power', unit: 'kW', usual: 18, step: 0.5 },
];
const EVENTS = [
  'started',
  'stopped',
  'tool changed',
  'door opened',
  'door closed',
  'part finished',
];
const ORDERS = ['start', 'stop', 'change the tool', 'open the door', 'close the door'];
const STATES = ['done', 'done already', 'not now'];
const OPERATORS = ['ada', 'grace', 'emmy'];
/** A reading walks at random and is drawn back to its usual value by this share. */
const PULL = 0.02;

export interface Machine {
  readonly id: string;
  readonly plant: string;
  /** `<plant>/<machine>`: the key of commands for it. */
  readonly place: string;
  /** `plants/<plant>/<machine>` */
  readonly topic: string;
  readonly commandTopic: string;
  readonly answerTopic: string;
}

interface Sensor {
  readonly machine: Machine;
  readonly topic: string;
  readonly unit: string;
  readonly usual: number;
  readonly step: number;
  value: number;
}

export class Plants {
  readonly #random: () => number;
  readonly #machines: Machine[];
  readonly #sensors: Sensor[];
  readonly #picture = Buffer.alloc(PICTURE_BYTES);
  #nextSensor = 0;
  #inPicture: Machine;

  constructor(random: () => number) {
    this.#random = random;
    this.#machines = PLANTS.flatMap((plant) => MACHINES.map((name) => machineOf(plant, name)));
    this.#sensors = this.#machines.flatMap((machine) =>
      SENSORS.map(({ name, ...sensor }) => ({
        ...sensor,
        machine,
        topic: `${machine.topic}/telemetry/${name}`,
        value: sensor.usual,
      })),
    );
    this.#inPicture = this.#machines[0] as Machine;
    randomFillSync(this.#picture);
  }

  get plantCount(): number {
    return PLANTS.length;
  }

  get machines(): readonly Machine[] {
    return this.#machines;
  }

  get sensorCount(): number {
    return this.#sensors.length;
  }

  /** The next sensor in turn. */
  reading(id: number, wallMs: number): PublishInput {
    const sensor = this.#sensors[this.#nextSensor] as Sensor;
    this.#nextSensor = (this.#nextSensor + 1) % this.#sensors.length;
    const drift = (this.#random() - 0.5) * 2 * sensor.step;
    sensor.value += drift + (sensor.usual - sensor.value) * PULL;
    return {
      topic: sensor.topic,
      qos: 1,
      contentType: 'application/json',
      payload: stampedJson(id, { value: Number(sensor.value.toFixed(3)), at: wallMs }),
      userProperties: [...propertiesOf(sensor.machine), ['unit', sensor.unit]],
    };
  }

  event(id: number, wallMs: number): PublishInput {
    const machine = this.#pick(this.#machines);
    return {
      topic: `${machine.topic}/events`,
      qos: 1,
      contentType: 'application/json',
      payload: stampedJson(id, { event: this.#pick(EVENTS), at: wallMs }),
      userProperties: propertiesOf(machine),
    };
  }

  /** Of a machine that `caption` is then about. The payload is valid until the next picture; the
   * broker copies it. */
  picture(id: number, wallMs: number): PublishInput {
    this.#inPicture = this.#pick(this.#machines);
    const { topic, id: camera } = this.#inPicture;
    this.#picture.write(`${stampedJson(id, { camera, at: wallMs })}\n`);
    return {
      topic: `${topic}/pictures/image`,
      qos: 1,
      contentType: 'application/octet-stream',
      payload: this.#picture,
      userProperties: propertiesOf(this.#inPicture),
    };
  }

  caption(id: number, wallMs: number): PublishInput {
    const seen = this.#pick(['all well', 'a part in the gripper', 'nothing moves']);
    return {
      topic: `${this.#inPicture.topic}/pictures/caption`,
      qos: 1,
      contentType: 'application/json',
      payload: stampedJson(id, { seen, at: wallMs }),
      userProperties: propertiesOf(this.#inPicture),
    };
  }

  /** What an operator wants of some machine. */
  command(id: number, wallMs: number): Command {
    const machine = this.#pick(this.#machines);
    return {
      key: machine.place,
      mqttTopic: machine.commandTopic,
      payload: JSON.stringify({ command: this.#pick(ORDERS), at: wallMs }),
      contentType: 'application/json',
      responseTopic: machine.answerTopic,
      correlationData: correlationOf(id),
      operator: this.#pick(OPERATORS),
    };
  }

  /** Of a machine, to a command for it; whoever gave that is told by the same user property. */
  answer(id: number, wallMs: number, machine: Machine, command: ReceivedCommand): PublishInput {
    const { correlationData, userProperties } = command;
    const operator = userProperties.get('operator');
    return {
      topic: machine.answerTopic,
      qos: 1,
      contentType: 'application/json',
      ...(correlationData !== undefined && { correlationData }),
      payload: stampedJson(id, { answer: this.#pick(STATES), at: wallMs }),
      userProperties: [
        ...propertiesOf(machine),
        ...(operator === undefined ? [] : [['operator', operator] as const]),
      ],
    };
  }

  #pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random() * items.length)] as T;
  }
}

function machineOf(plant: string, name: string): Machine {
  const place = `${plant}/${name}`;
  const topic = `plants/${place}`;
  const topics = { topic, commandTopic: `${topic}/commands`, answerTopic: `${topic}/answers` };
  return { id: `${plant}-${name}`, plant, place, ...topics };
}

function propertiesOf({ id, plant }: Machine): [string, string][] {
  return [
    ['machine-id', id],
    ['plant', plant],
  ];
}
