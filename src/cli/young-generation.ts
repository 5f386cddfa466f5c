/* V8's young generation stays at the 1 or 2 MB that it begins with, in this thread and in its workers.
 * Modules that are loaded would make it grow to 16 MB, and a bridge that allocates next to nothing for
 * a message never gives that back.
 */
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--semi-space-growth-factor=1');
