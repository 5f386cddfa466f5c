/* AdminConnections: which connections the admin server keeps. Main thread only.
 *
 * 1. At most `max` at a time. A new one takes the place of the one on which no request has begun and no
 *    answer ended for longest, so that neither silent clients nor slow readers keep a probe out.
 * 2. One request at a time: a second before the answer to the first is out ends the connection. Nothing
 *    that scrapes or probes pipelines, and whoever does makes us hold answers that nobody reads.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export class AdminConnections {
  readonly #max: number;
  /** Whether each is being answered; least recently used first. */
  readonly #isAnswering = new Map<Socket, boolean>();

  constructor(max: number) {
    this.#max = max;
  }

  opened(socket: Socket): void {
    const [leastRecent] = this.#isAnswering.keys();
    if (this.#isAnswering.size >= this.#max && leastRecent !== undefined) this.#end(leastRecent);
    this.#isAnswering.set(socket, false);
    socket.once('close', () => this.#isAnswering.delete(socket));
  }

  /** Whether the request may be answered; where not, its connection has ended. */
  mayAnswer({ socket }: IncomingMessage, response: ServerResponse): boolean {
    if (this.#isAnswering.get(socket) !== false) {
      this.#end(socket);
      return false;
    }
    this.#touch(socket, true);
    // It has been handed to the operating system, all of it.
    response.once('close', () => {
      if (this.#isAnswering.has(socket)) this.#touch(socket, false);
    });
    return true;
  }

  #touch(socket: Socket, isAnswering: boolean): void {
    this.#isAnswering.delete(socket);
    this.#isAnswering.set(socket, isAnswering);
  }

  #end(socket: Socket): void {
    this.#isAnswering.delete(socket);
    socket.destroy();
  }
}
