import { SERVICE_ACCOUNT_TOKEN_FILE } from '../secrets/service-account-token.js';

/** Of every command that connects to an MQTT broker: flags and description. */
export const TOKEN_FILE_OPTION = [
  '--service-account-token-file <path>',
  `the token for authentication.kubernetes (default: "${SERVICE_ACCOUNT_TOKEN_FILE}")`,
] as const;
