/* What a newcomer reads first: what runs, and how the same runs on brokers of one's own. */
import type { Machine, Plants } from './plants.js';
import { COMMANDS_TOPIC } from './resources.js';

export interface Intro {
  readonly yaml: string;
  readonly mqttPort: number;
  readonly bootstrapServers: string;
  readonly adminAddress: string;
  /** How the user calls Millrace. */
  readonly command: string;
  readonly plants: Plants;
}

export function intro(about: Intro): string {
  const { yaml, mqttPort, bootstrapServers, adminAddress, command, plants } = about;
  const { sensorCount, machines, plantCount } = plants;
  const devices = `${sensorCount} sensors on ${machines.length} machines in ${plantCount} plants`;
  const [machine] = machines as readonly [Machine];
  return `This is the configuration that runs now:

${yaml}
To run it on your own MQTT broker and Kafka, set the two endpoints in a copy:

  ${command} demo --print-config > demo.yaml
  ${command} run -f demo.yaml

${devices} publish to an MQTT v5 broker, Millrace carries
that to Kafka, and a reader compares what arrives there with what was published.
An operator writes commands to Kafka, Millrace carries them to the machines, and the
answers come back by MQTT and Millrace. Broker and Kafka are small ones in this process:

  MQTT      127.0.0.1:${mqttPort}
  Kafka     ${bootstrapServers}
  metrics   http://${adminAddress}/metrics

Your own messages show up too:

  mosquitto_pub -V 5 -p ${mqttPort} -q 1 -t plants/home/desk/events -m hello

Your own commands are answered too:

  echo halt | kcat -b ${bootstrapServers} -t ${COMMANDS_TOPIC} -P -k ${machine.place} \\
    -H 'Response Topic=${machine.answerTopic}'

`;
}
