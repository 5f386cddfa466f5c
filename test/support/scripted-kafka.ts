import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { frame, framesOf, int16, int32, text } from './kafka-wire.js';

/* A server on a real socket that speaks as much of Kafka's protocol as a client needs to ask for metadata,
 * in its version 1, as before Kafka 0.10.1: without authorized operations or a cluster id, and with nothing
 * else beside it.
 * It says what the test has it say, sound or not.
 */

const API_VERSIONS = 18;
const METADATA = 3;
const METADATA_VERSION = 1;
const UNSUPPORTED_VERSION = 35;
/** Of a request's frame after its length: api key, api version, correlation id. */
const CORRELATION_ID_AT = 4;

export interface ScriptedTopic {
  readonly name: string;
  readonly code?: number;
  readonly partitions?: number;
}

export interface ScriptedKafkaOptions {
  /** What is told, whatever is asked; or what is told of the topics that are asked about. */
  readonly topics?: readonly ScriptedTopic[] | ((asked: readonly string[]) => ScriptedTopic[]);
  /** What is sent instead of the metadata, which begin with the correlation id. */
  readonly spoil?: (response: Buffer) => Buffer;
  /** The same of the versions that it has. */
  readonly spoilVersions?: (response: Buffer) => Buffer;
}

/** Returns its address. */
export async function startScriptedKafka(
  test: { teardown(callback: () => void): void },
  { topics = [], spoil = unspoilt, spoilVersions = unspoilt }: ScriptedKafkaOptions,
): Promise<string> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    const onRequest = (request: Buffer) => {
      const key = request.readInt16BE(0);
      const correlationId = request.subarray(CORRELATION_ID_AT, CORRELATION_ID_AT + 4);
      const { port } = server.address() as AddressInfo;
      const response = (body: Buffer) => Buffer.concat([correlationId, body]);
      if (key === API_VERSIONS) {
        const versions = apiVersions(request.readInt16BE(2));
        socket.write(frame(spoilVersions(response(versions))));
      }
      if (key === METADATA) {
        const told = typeof topics === 'function' ? topics(topicsAsked(request)) : topics;
        socket.write(frame(spoil(response(metadata(port, told)))));
      }
    };
    socket.on('data', framesOf(onRequest));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  test.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function unspoilt(response: Buffer): Buffer {
  return response;
}

/** Error, then api key, lowest and highest version of each. A later version than 0 we do not know. */
function apiVersions(version: number): Buffer {
  const each = [
    [METADATA, METADATA_VERSION],
    [API_VERSIONS, 0],
  ];
  const keys = each.flatMap(([key = 0, version = 0]) => [int16(key), int16(0), int16(version)]);
  const code = version === 0 ? 0 : UNSUPPORTED_VERSION;
  return Buffer.concat([int16(code), int32(each.length), ...keys]);
}

/** Of a request for metadata: behind its header, which ends with the client's identifier. */
function topicsAsked(request: Buffer): string[] {
  const clientIdAt = CORRELATION_ID_AT + 4;
  let at = clientIdAt + 2 + Math.max(0, request.readInt16BE(clientIdAt));
  const count = request.readInt32BE(at);
  at += 4;
  return Array.from({ length: Math.max(0, count) }, () => {
    const end = at + 2 + request.readInt16BE(at);
    const name = request.toString('utf8', at + 2, end);
    at = end;
    return name;
  });
}

function metadata(port: number, topics: readonly ScriptedTopic[]): Buffer {
  const broker = [int32(1), text('127.0.0.1'), int32(port), int16(-1)];
  const controllerId = int32(1);
  return Buffer.concat([
    int32(1),
    ...broker,
    controllerId,
    int32(topics.length),
    ...topics.map(metadataOf),
  ]);
}

function metadataOf({ name, code = 0, partitions = 0 }: ScriptedTopic): Buffer {
  const replicas = Buffer.concat([int32(1), int32(1)]);
  const partition = (id: number) =>
    Buffer.concat([int16(0), int32(id), int32(1), replicas, replicas]);
  const all = Array.from({ length: partitions }, (_, id) => partition(id));
  return Buffer.concat([int16(code), text(name), Buffer.of(0), int32(all.length), ...all]);
}
